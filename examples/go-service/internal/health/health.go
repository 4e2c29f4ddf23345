// Package health answers the questions of load balancers, container health checks and people: is it alive, can it serve, and which version is it.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// CheckTimeout is how long the store may take to answer before it counts as unavailable; shorter than usual health check time-outs.
const CheckTimeout = 2 * time.Second

// Store is what is asked for the database's state.
type Store interface {
	Check(ctx context.Context) error
	Kind() string
}

// Probe knows whether this process can serve. Make one with New.
type Probe struct {
	version  string
	store    Store
	fault    func(sinceStart time.Duration) error
	started  time.Time
	draining atomic.Bool
}

// New makes a probe; the process counts as started now. fault gives a reason not to be ready, or nil.
func New(version string, store Store, fault func(time.Duration) error) *Probe {
	return &Probe{version: version, store: store, fault: fault, started: time.Now()}
}

// Drain makes readiness fail from now on.
func (p *Probe) Drain() { p.draining.Store(true) }

// Draining says whether Drain was called.
func (p *Probe) Draining() bool { return p.draining.Load() }

// Database is the store's state in a report.
type Database struct {
	Kind   string `json:"kind"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Report is the answer of the three health paths.
type Report struct {
	// Status is `ok`, `starting`, `draining` or `unavailable`.
	Status        string    `json:"status"`
	Version       string    `json:"version"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Detail        string    `json:"detail,omitempty"`
	Database      *Database `json:"database,omitempty"`
}

// Live answers 200 as long as the process can answer at all. It looks at nothing else: a database that is away is no
// reason to kill the service.
func (p *Probe) Live(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, Report{Status: "ok", Version: p.version, UptimeSeconds: p.uptime().Seconds()})
}

// Ready answers 200 when requests can be served, else 503 with the reason.
func (p *Probe) Ready(w http.ResponseWriter, r *http.Request) {
	report := p.report(r.Context())
	code := http.StatusOK
	if report.Status != "ok" {
		code = http.StatusServiceUnavailable
	}
	write(w, code, report)
}

func (p *Probe) report(ctx context.Context) Report {
	report := Report{Status: "ok", Version: p.version, UptimeSeconds: p.uptime().Seconds()}
	report.Database = p.database(ctx)
	if report.Database.State != "ok" {
		report.Status, report.Detail = "unavailable", "the database cannot be used"
	}
	if err := p.fault(p.uptime()); err != nil {
		report.Status, report.Detail = "starting", err.Error()
	}
	if p.Draining() {
		report.Status, report.Detail = "draining", "this process is stopping and takes no new work"
	}
	return report
}

func (p *Probe) database(ctx context.Context) *Database {
	ctx, cancel := context.WithTimeout(ctx, CheckTimeout)
	defer cancel()
	if err := p.store.Check(ctx); err != nil {
		return &Database{Kind: p.store.Kind(), State: "unavailable", Detail: err.Error()}
	}
	return &Database{Kind: p.store.Kind(), State: "ok"}
}

func (p *Probe) uptime() time.Duration { return time.Since(p.started) }

func write(w http.ResponseWriter, code int, report Report) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(report) // The client has gone: there is nobody left to tell.
}
