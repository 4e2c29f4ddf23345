// Package api is the service's HTTP interface: users under /api/v1, answers in one JSON envelope, errors as problem documents.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/steadystate/ecs/examples/go-service/internal/logging"
	"github.com/steadystate/ecs/examples/go-service/internal/store"
)

// API answers requests from a store.
type API struct {
	store   store.Store
	version string
	log     *slog.Logger
}

// New makes the API.
func New(users store.Store, version string, log *slog.Logger) *API {
	return &API{store: users, version: version, log: log}
}

// Envelope is the shape of every good answer.
type Envelope struct {
	Data any  `json:"data"`
	Meta Meta `json:"meta"`
}

// Meta is what an answer says beside its data.
type Meta struct {
	RequestID string `json:"request_id"`
	Version   string `json:"version"`
	// Next is the `after` of the next page of a list; absent on the last page.
	Next string `json:"next,omitempty"`
}

// Routes adds the API's routes. What no other route takes is answered here too, with 404 or 405.
func (a *API) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", a.about)
	mux.HandleFunc("GET /api/v1/users", a.list)
	mux.HandleFunc("POST /api/v1/users", a.create)
	mux.HandleFunc("GET /api/v1/users/{id}", a.get)
	mux.Handle("/{$}", allow("GET, HEAD"))
	mux.Handle("/api/v1/users", allow("GET, HEAD, POST"))
	mux.Handle("/api/v1/users/{id}", allow("GET, HEAD"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, http.StatusNotFound, "there is nothing at this path")
	})
}

func allow(methods string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods)
		WriteProblem(w, r, http.StatusMethodNotAllowed, "this path answers "+methods)
	})
}

func (a *API) about(w http.ResponseWriter, r *http.Request) {
	a.write(w, r, http.StatusOK, map[string]string{"service": "go-service", "version": a.version}, "")
}

func (a *API) create(w http.ResponseWriter, r *http.Request) {
	name, email, bad := decodeNewUser(w, r)
	if bad != nil {
		WriteProblem(w, r, bad.status, bad.detail, bad.errors...)
		return
	}
	user, err := a.store.Create(r.Context(), name, email)
	if errors.Is(err, store.ErrEmailTaken) {
		WriteProblem(w, r, http.StatusConflict, "another user has this e-mail address", FieldError{Pointer: "/email", Detail: "is taken"})
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Location", "/api/v1/users/"+user.ID)
	a.write(w, r, http.StatusCreated, user, "")
}

func (a *API) get(w http.ResponseWriter, r *http.Request) {
	id := strings.ToLower(r.PathValue("id"))
	if !isUUID(id) {
		WriteProblem(w, r, http.StatusNotFound, "there is no user with this id: it is not a UUID")
		return
	}
	user, err := a.store.Get(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		WriteProblem(w, r, http.StatusNotFound, "there is no user with this id")
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.write(w, r, http.StatusOK, user, "")
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	after, limit, bad := page(r)
	if bad != nil {
		WriteProblem(w, r, bad.status, bad.detail, bad.errors...)
		return
	}
	// One more than asked for, to know whether there is a next page.
	users, err := a.store.List(r.Context(), after, limit+1)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	next := ""
	if len(users) > limit {
		users = users[:limit]
		next = users[limit-1].ID
	}
	a.write(w, r, http.StatusOK, users, next)
}

// fail answers 503 when the store did not: the request may be sent again. The cause goes to the log, not to the client.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // The client has gone.
	}
	a.log.ErrorContext(r.Context(), "the store failed", "error", err.Error())
	w.Header().Set("Retry-After", "1")
	WriteProblem(w, r, http.StatusServiceUnavailable, "the store cannot be used now")
}

func (a *API) write(w http.ResponseWriter, r *http.Request, status int, data any, next string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	meta := Meta{RequestID: logging.From(r.Context()).RequestID, Version: a.version, Next: next}
	_ = json.NewEncoder(w).Encode(Envelope{Data: data, Meta: meta}) // The client has gone: there is nobody left to tell.
}
