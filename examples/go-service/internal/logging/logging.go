// Package logging carries a request's identity through its context into every log line written for it.
package logging

import (
	"context"
	"io"
	"log/slog"
)

// Identity is what ties log lines, answers and the load balancer's own records of one request together.
type Identity struct {
	// RequestID comes from X-Request-Id, or is made here.
	RequestID string
	// TraceID is the X-Amzn-Trace-Id that the load balancer added, whole; empty without one.
	TraceID string
}

type contextKey struct{}

// With returns a context that carries the identity.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From returns the context's identity, the zero one outside a request.
func From(ctx context.Context) Identity {
	id, _ := ctx.Value(contextKey{}).(Identity)
	return id
}

// New makes a logger of JSON lines that all carry the version, and inside a request its identity.
func New(w io.Writer, level slog.Leveler, version string) *slog.Logger {
	return slog.New(handler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})}).With("version", version)
}

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, record slog.Record) error {
	if id := From(ctx); id.RequestID != "" {
		record = record.Clone()
		record.AddAttrs(slog.String("request_id", id.RequestID))
		if id.TraceID != "" {
			record.AddAttrs(slog.String("trace_id", id.TraceID))
		}
	}
	return h.Handler.Handle(ctx, record)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
