package api

import (
	"encoding/json"
	"net/http"

	"github.com/steadystate/ecs/examples/go-service/internal/logging"
)

// Problem is an RFC 9457 problem document. `type` is about:blank throughout: the status says what kind of problem it is, and
// `detail` and `errors` say the rest.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Instance  string       `json:"instance"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty"`
}

// FieldError is what is wrong with one part of a request. Pointer is a JSON pointer into the body; Parameter names a query parameter.
type FieldError struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Detail    string `json:"detail"`
}

// WriteProblem answers with a problem document.
func WriteProblem(w http.ResponseWriter, r *http.Request, status int, detail string, errs ...FieldError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A failing write means that the client has gone: there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(Problem{
		Type:      "about:blank",
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		Instance:  r.URL.Path,
		RequestID: logging.From(r.Context()).RequestID,
		Errors:    errs,
	})
}
