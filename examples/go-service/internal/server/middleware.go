package server

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/steadystate/ecs/examples/go-service/internal/api"
	"github.com/steadystate/ecs/examples/go-service/internal/logging"
	"github.com/steadystate/ecs/examples/go-service/internal/metrics"
)

const (
	requestIDHeader = "X-Request-Id"
	traceIDHeader   = "X-Amzn-Trace-Id"
	versionHeader   = "X-Service-Version"
	maxIDBytes      = 128
	// maxTraceBytes leaves room for the fields that clients may add to a trace header.
	maxTraceBytes = 512
)

// identify gives every request an id, taken from X-Request-Id when that is usable, and hands it back in the answer.
func identify(version string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := logging.Identity{RequestID: r.Header.Get(requestIDHeader), TraceID: r.Header.Get(traceIDHeader)}
		if !usableID(id.RequestID) {
			id.RequestID = newRequestID()
		}
		if len(id.TraceID) > maxTraceBytes || !printable(id.TraceID) {
			id.TraceID = ""
		}
		w.Header().Set(requestIDHeader, id.RequestID)
		w.Header().Set(versionHeader, version)
		next.ServeHTTP(w, r.WithContext(logging.With(r.Context(), id)))
	})
}

func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never returns an error: it ends the program instead.
	return hex.EncodeToString(b[:])
}

// usableID says whether an id from outside is short and plain enough to be repeated in headers and logs.
func usableID(id string) bool {
	return id != "" && len(id) <= maxIDBytes && printable(id) && !strings.Contains(id, " ")
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// recorder notes what was answered. Unwrap lets http.ResponseController reach the real writer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe counts and logs each request, and turns a panic into a 500. Health checks and scrapes are logged at debug level: they
// come every few seconds from every checker.
func observe(registry *metrics.Registry, log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		end := registry.Begin()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause != nil && cause != http.ErrAbortHandler {
				log.ErrorContext(r.Context(), "panic", "cause", cause, "stack", string(debug.Stack()))
				if rec.status == 0 {
					api.WriteProblem(rec, r, http.StatusInternalServerError, "something went wrong here; the log has it under this request_id")
				}
			}
			if rec.status == 0 {
				rec.status = http.StatusOK // What net/http sends for a handler that wrote nothing.
			}
			route := routeOf(r)
			end(r.Method, route, rec.status, time.Since(began))
			level := slog.LevelInfo
			if isProbe(route) {
				level = slog.LevelDebug
			}
			log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "route", route, "status", rec.status,
				"bytes", rec.bytes, "duration_ms", float64(time.Since(began).Microseconds())/1000, "remote", r.RemoteAddr)
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// routeOf is the path part of the pattern that matched, which net/http notes on the request.
func routeOf(r *http.Request) string {
	if _, path, found := strings.Cut(r.Pattern, " "); found {
		return path
	}
	return r.Pattern
}

func isProbe(route string) bool {
	return strings.HasPrefix(route, "/health") || route == "/metrics"
}

// closeWhileDraining asks clients to give up their connections one answer at a time. A connection closed while it is idle could
// be closed under a request that is just on its way.
func closeWhileDraining(draining func() bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
