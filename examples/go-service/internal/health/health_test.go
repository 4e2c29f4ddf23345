package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

type fakeStore struct{ err error }

func (s fakeStore) Check(context.Context) error { return s.err }
func (fakeStore) Kind() string                  { return "postgresql" }

func noFault(time.Duration) error { return nil }

func ask(t *testing.T, handler http.HandlerFunc) (int, Report) {
	t.Helper()
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodGet, "/health", nil))
	var report Report
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return w.Code, report
}

func TestReadyShowsVersionAndDatabase(t *testing.T) {
	code, report := ask(t, New("1.2.3", fakeStore{}, noFault).Ready)
	if code != 200 || report.Status != "ok" || report.Version != "1.2.3" || report.Database == nil ||
		*report.Database != (Database{Kind: "postgresql", State: "ok"}) {
		t.Errorf("%d %+v", code, report)
	}
}

func TestNotReadyWithoutTheDatabaseButAlive(t *testing.T) {
	probe := New("1", fakeStore{errors.New("connection refused")}, noFault)
	code, report := ask(t, probe.Ready)
	if code != 503 || report.Status != "unavailable" || *report.Database != (Database{"postgresql", "unavailable", "connection refused"}) {
		t.Errorf("%d %+v", code, report)
	}
	if code, report := ask(t, probe.Live); code != 200 || report.Status != "ok" || report.Version != "1" {
		t.Errorf("live: %d %+v", code, report)
	}
}

func TestNotReadyWhileAFaultStands(t *testing.T) {
	code, report := ask(t, New("1", fakeStore{}, func(time.Duration) error { return errors.New("because") }).Ready)
	if code != 503 || report.Status != "starting" || report.Detail != "because" {
		t.Errorf("%d %+v", code, report)
	}
}

func TestNotReadyButAliveWhileDraining(t *testing.T) {
	probe := New("1", fakeStore{}, noFault)
	probe.Drain()
	if code, report := ask(t, probe.Ready); code != 503 || report.Status != "draining" {
		t.Errorf("%d %+v", code, report)
	}
	if code, _ := ask(t, probe.Live); code != 200 {
		t.Errorf("live: %d", code)
	}
}
