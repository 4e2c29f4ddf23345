package faults

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/steadystate/ecs/examples/go-service/internal/config"
	"github.com/steadystate/ecs/examples/go-service/internal/logging"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func answering(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestCrashAtStartGivesTheCodeAndSaysWhy(t *testing.T) {
	var out bytes.Buffer
	if code := New(config.Faults{CrashAtStart: 42}, logging.New(&out, slog.LevelInfo, "1.0.0")).CrashAtStart(); code != 42 {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{`"level":"ERROR"`, "cannot start", "FAULT_CRASH_AT_START", `"exit_code":42`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the log lacks %s: %s", part, out.String())
		}
	}
}

func TestWithoutTheFaultTheStartGoesOn(t *testing.T) {
	if code := New(config.Faults{}, quiet()).CrashAtStart(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestCrashAfterItsTimeAndNotBefore(t *testing.T) {
	crashed := make(chan int, 1)
	began := time.Now()
	New(config.Faults{CrashAfter: 100 * time.Millisecond}, quiet()).Start(t.Context(), func(code int) { crashed <- code })
	select {
	case code := <-crashed:
		if code != 1 || time.Since(began) < 100*time.Millisecond {
			t.Errorf("code %d after %s", code, time.Since(began))
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it never crashed")
	}
}

func TestAStoppedProcessDoesNotCrashLater(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	crashed := make(chan int, 1)
	New(config.Faults{CrashAfter: 50 * time.Millisecond}, quiet()).Start(ctx, func(code int) { crashed <- code })
	cancel()
	select {
	case code := <-crashed:
		t.Errorf("crashed with %d", code)
	case <-time.After(200 * time.Millisecond):
	}
}

func TestMemoryGrowsAtTheRate(t *testing.T) {
	injector := New(config.Faults{MemoryGrowth: 10}, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	injector.Start(ctx, nil)
	for injector.KeptBytes() < 3*mebibyte {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("only %d bytes", injector.KeptBytes())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("3 MiB after %s is faster than 10 MiB a second", took)
	}
}

func TestNeverReady(t *testing.T) {
	injector := New(config.Faults{NeverReady: true}, quiet())
	if err := injector.ReadyError(24 * time.Hour); err == nil || !strings.Contains(err.Error(), "FAULT_NEVER_READY") {
		t.Errorf("got %v", err)
	}
}

func TestSlowStartIsReadyAfterItsTime(t *testing.T) {
	injector := New(config.Faults{SlowStart: time.Minute}, quiet())
	if err := injector.ReadyError(59 * time.Second); err == nil || !strings.Contains(err.Error(), "FAULT_SLOW_START") {
		t.Errorf("before: got %v", err)
	}
	if err := injector.ReadyError(time.Minute); err != nil {
		t.Errorf("after: got %v", err)
	}
}

func TestErrorRateIsTheShareThatFails(t *testing.T) {
	injector := New(config.Faults{ErrorRate: 0.25}, quiet())
	draws := 0
	injector.random = func() float64 { draws++; return float64(draws-1) / 100 }
	handler := injector.Wrap(answering(http.StatusOK), answering(http.StatusInternalServerError))
	failed := 0
	for range 100 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code == http.StatusInternalServerError {
			failed++
		}
	}
	if failed != 25 {
		t.Errorf("%d of 100 failed", failed)
	}
}

func TestAnErrorRateOfOneFailsEverything(t *testing.T) {
	handler := New(config.Faults{ErrorRate: 1}, quiet()).Wrap(answering(http.StatusOK), answering(http.StatusInternalServerError))
	for range 1000 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusInternalServerError {
			t.Fatal("one request did not fail")
		}
	}
}

func TestLatencyDelaysTheAnswer(t *testing.T) {
	handler := New(config.Faults{Latency: 60 * time.Millisecond}, quiet()).Wrap(answering(http.StatusOK), answering(http.StatusInternalServerError))
	began := time.Now()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if took := time.Since(began); took < 60*time.Millisecond || w.Code != http.StatusOK {
		t.Errorf("%d after %s", w.Code, took)
	}
}
