// Package server puts the parts together and runs them from start to graceful stop.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/steadystate/ecs/examples/go-service/internal/api"
	"github.com/steadystate/ecs/examples/go-service/internal/config"
	"github.com/steadystate/ecs/examples/go-service/internal/faults"
	"github.com/steadystate/ecs/examples/go-service/internal/health"
	"github.com/steadystate/ecs/examples/go-service/internal/metrics"
	"github.com/steadystate/ecs/examples/go-service/internal/store"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 60 * time.Second
	// idleTimeout is longer than the 60 s after which an Application Load Balancer drops an idle connection by default: the
	// balancer must be the one that closes, or it may send a request into a connection that is just being closed here.
	idleTimeout    = 75 * time.Second
	maxHeaderBytes = 64 << 10
)

// Server is one process of the service. Make it with New, then call Run once.
type Server struct {
	config   config.Config
	log      *slog.Logger
	store    store.Store
	probe    *health.Probe
	injector *faults.Injector
	handler  http.Handler
}

// New opens the store (PostgreSQL when there is a URL, else memory) and builds the routes.
func New(c config.Config, version string, log *slog.Logger) (*Server, error) {
	users, err := openStore(c, log)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: log, store: users, injector: faults.New(c.Faults, log)}
	s.probe = health.New(version, users, s.injector.ReadyError)
	s.handler = s.routes(version)
	return s, nil
}

func openStore(c config.Config, log *slog.Logger) (store.Store, error) {
	if c.DatabaseURL == "" {
		return store.NewMemory(), nil
	}
	return store.OpenPostgres(c.DatabaseURL, func(err error) {
		log.Warn("the database cannot be used yet; trying again", "error", err.Error())
	})
}

func (s *Server) routes(version string) http.Handler {
	registry := metrics.New(version)
	serve := http.NewServeMux()
	api.New(s.store, version, s.log).Routes(serve)
	fail := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, r, http.StatusInternalServerError, "FAULT_ERROR_RATE had this request fail")
	})
	faulty := s.injector.Wrap(serve, fail)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.probe.Ready)
	mux.HandleFunc("GET /health/ready", s.probe.Ready)
	mux.HandleFunc("GET /health/live", s.probe.Live)
	mux.Handle("GET /metrics", registry)
	mux.Handle("/", faulty)
	return identify(version, observe(registry, s.log, closeWhileDraining(s.probe.Draining, mux)))
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Handler answers requests as Run does.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on the listener until ctx ends, then stops gracefully: readiness fails at once; after the shutdown delay the
// listener closes; requests in flight may end until the shutdown time-out. It returns nil after a clean stop. crash is called when
// a fault is to end the process.
func (s *Server) Run(ctx context.Context, listener net.Listener, crash func(code int)) error {
	defer s.store.Close()
	server := s.httpServer()
	s.injector.Start(ctx, crash)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	s.log.Info("serving", "address", listener.Addr().String(), "store", s.store.Kind())

	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.probe.Drain()
	s.log.Info("stopping: readiness fails from now on", "delay", s.config.ShutdownDelay.String())
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(s.config.ShutdownDelay):
	}
	s.log.Info("stopping: no new connections; finishing requests in flight", "timeout", s.config.ShutdownTimeout.String())
	limit, cancel := context.WithTimeout(context.Background(), s.config.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return errors.Join(fmt.Errorf("requests were still in flight after %s: %w", s.config.ShutdownTimeout, err), server.Close())
	}
	s.log.Info("stopped")
	return nil
}

// Listen opens the configured port on every address.
func Listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port)))
}
