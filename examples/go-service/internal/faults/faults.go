// Package faults makes the service misbehave on purpose, as asked for by FAULT_* settings, so that rollouts can be tried.
package faults

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/steadystate/ecs/examples/go-service/internal/config"
)

const mebibyte = 1 << 20

// Injector carries out the faults of one process.
type Injector struct {
	set    config.Faults
	log    *slog.Logger
	random func() float64

	mu   sync.Mutex
	kept [][]byte
}

// New makes an injector.
func New(set config.Faults, log *slog.Logger) *Injector {
	return &Injector{set: set, log: log, random: rand.Float64}
}

// CrashAtStart returns the exit code to end with now, and logs why; 0 when the process is to start.
func (i *Injector) CrashAtStart() int {
	if i.set.CrashAtStart != 0 {
		i.log.Error("cannot start: a crash at start was asked for", "setting", "FAULT_CRASH_AT_START", "exit_code", i.set.CrashAtStart)
	}
	return i.set.CrashAtStart
}

// Start begins the faults that work in the background until ctx ends. crash is called when the process is to end at once.
func (i *Injector) Start(ctx context.Context, crash func(code int)) {
	if i.set.CrashAfter > 0 {
		go i.crashLater(ctx, crash)
	}
	if i.set.MemoryGrowth > 0 {
		go i.growMemory(ctx)
	}
}

func (i *Injector) crashLater(ctx context.Context, crash func(code int)) {
	select {
	case <-ctx.Done():
	case <-time.After(i.set.CrashAfter):
		i.log.Error("crashing: a crash after a time was asked for", "setting", "FAULT_CRASH_AFTER", "after", i.set.CrashAfter.String(), "exit_code", 1)
		crash(1)
	}
}

// growMemory takes memory in ten steps a second, and writes to each page so that it is really used.
func (i *Injector) growMemory(ctx context.Context) {
	i.log.Warn("memory will grow: this was asked for", "setting", "FAULT_MEMORY_GROWTH", "mib_per_second", i.set.MemoryGrowth)
	const steps = 10
	ticker := time.NewTicker(time.Second / steps)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			block := make([]byte, int(i.set.MemoryGrowth*mebibyte/steps))
			for at := 0; at < len(block); at += 4096 {
				block[at] = 1
			}
			i.mu.Lock()
			i.kept = append(i.kept, block)
			i.mu.Unlock()
		}
	}
}

// KeptBytes is how much memory has been taken so far.
func (i *Injector) KeptBytes() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	total := 0
	for _, block := range i.kept {
		total += len(block)
	}
	return total
}

// ReadyError says why the process is not ready that long after its start, or nil when no fault stands against it.
func (i *Injector) ReadyError(sinceStart time.Duration) error {
	if i.set.NeverReady {
		return faultError("FAULT_NEVER_READY keeps this service from becoming ready")
	}
	if sinceStart < i.set.SlowStart {
		return faultError("FAULT_SLOW_START: still starting, ready after " + i.set.SlowStart.String())
	}
	return nil
}

type faultError string

func (e faultError) Error() string { return string(e) }

// Wrap delays requests and has fail answer a share of them.
func (i *Injector) Wrap(next, fail http.Handler) http.Handler {
	if i.set.Latency == 0 && i.set.ErrorRate == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.set.Latency > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(i.set.Latency):
			}
		}
		if i.random() < i.set.ErrorRate {
			fail.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
