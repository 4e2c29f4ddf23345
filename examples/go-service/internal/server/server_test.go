package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steadystate/ecs/examples/go-service/internal/api"
	"github.com/steadystate/ecs/examples/go-service/internal/config"
	"github.com/steadystate/ecs/examples/go-service/internal/health"
	"github.com/steadystate/ecs/examples/go-service/internal/logging"
	"github.com/steadystate/ecs/examples/go-service/internal/metrics"
	"github.com/steadystate/ecs/examples/go-service/internal/store"
)

const patience = 20 * time.Second

// lines collects log output; safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

func (l *lines) all(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(l.out.String()), "\n") {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("not a JSON line: %q", line)
		}
		all = append(all, one)
	}
	return all
}

func newServer(t *testing.T, c config.Config) (*Server, *lines) {
	t.Helper()
	logs := &lines{}
	s, err := New(c, "1.2.3", logging.New(logs, slog.LevelInfo, "1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	return s, logs
}

func send(s *Server, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var into T
	if err := json.Unmarshal(w.Body.Bytes(), &into); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return into
}

type userEnvelope struct {
	Data store.User
	Meta api.Meta
}

type listEnvelope struct {
	Data []store.User
	Meta api.Meta
}

func TestAUserIsCreatedReadAndListed(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	w := send(s, "POST", "/api/v1/users", `{"name":" Ada ","email":"ada@example.com"}`)
	made := decode[userEnvelope](t, w)
	if w.Code != 201 || made.Data.Name != "Ada" || made.Meta.Version != "1.2.3" || made.Meta.RequestID == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w = send(s, "GET", w.Header().Get("Location"), "")
	if got := decode[userEnvelope](t, w); w.Code != 200 || got.Data != made.Data {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = send(s, "GET", "/api/v1/users", "")
	if got := decode[listEnvelope](t, w); w.Code != 200 || len(got.Data) != 1 || got.Data[0] != made.Data || got.Meta.Next != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAListSaysWhereItsNextPageBegins(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	for n := range 5 {
		send(s, "POST", "/api/v1/users", fmt.Sprintf(`{"name":"N","email":"n%d@example.com"}`, n))
	}
	seen := map[string]bool{}
	pages, path := 0, "/api/v1/users?limit=2"
	for {
		page := decode[listEnvelope](t, send(s, "GET", path, ""))
		pages++
		for _, u := range page.Data {
			seen[u.ID] = true
		}
		if page.Meta.Next == "" {
			break
		}
		path = "/api/v1/users?limit=2&after=" + page.Meta.Next
	}
	if pages != 3 || len(seen) != 5 {
		t.Errorf("%d users on %d pages", len(seen), pages)
	}
}

func TestWhatCannotBeAcceptedIsAProblemDocument(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	send(s, "POST", "/api/v1/users", `{"name":"Ada","email":"ada@example.com"}`)
	long := strings.Repeat("x", 101)
	cases := []struct {
		name, method, path, body string
		status                   int
		where                    []string
	}{
		{"empty body", "POST", "/api/v1/users", " ", 400, nil},
		{"broken JSON", "POST", "/api/v1/users", `{"name":`, 400, nil},
		{"unknown field", "POST", "/api/v1/users", `{"name":"A","email":"a@b.c","admin":true}`, 400, nil},
		{"two values", "POST", "/api/v1/users", `{"name":"A","email":"a@b.c"} {}`, 400, nil},
		{"too large", "POST", "/api/v1/users", `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 413, nil},
		{"nothing given", "POST", "/api/v1/users", `{}`, 422, []string{"/name", "/email"}},
		{"blank name", "POST", "/api/v1/users", `{"name":"  ","email":"a@b.c"}`, 422, []string{"/name"}},
		{"long name", "POST", "/api/v1/users", `{"name":"` + long + `","email":"a@b.c"}`, 422, []string{"/name"}},
		{"control character", "POST", "/api/v1/users", `{"name":"a\u0000b","email":"a@b.c"}`, 422, []string{"/name"}},
		{"no address", "POST", "/api/v1/users", `{"name":"A","email":"nobody"}`, 422, []string{"/email"}},
		{"address with a name", "POST", "/api/v1/users", `{"name":"A","email":"A <a@b.c>"}`, 422, []string{"/email"}},
		{"wrong type", "POST", "/api/v1/users", `{"name":7,"email":"a@b.c"}`, 422, []string{"/name"}},
		{"taken address", "POST", "/api/v1/users", `{"name":"B","email":"ADA@example.com"}`, 409, []string{"/email"}},
		{"unknown user", "GET", "/api/v1/users/00000000-0000-7000-8000-000000000000", "", 404, nil},
		{"id that is none", "GET", "/api/v1/users/7", "", 404, nil},
		{"unknown path", "GET", "/api/v2/users", "", 404, nil},
		{"wrong method", "DELETE", "/api/v1/users", "", 405, nil},
		{"wrong method on one user", "PUT", "/api/v1/users/00000000-0000-7000-8000-000000000000", "", 405, nil},
		{"limit of nothing", "GET", "/api/v1/users?limit=0", "", 400, []string{"limit"}},
		{"limit and after", "GET", "/api/v1/users?limit=x&after=y", "", 400, []string{"limit", "after"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := send(s, c.method, c.path, c.body, "X-Request-Id", "r-1")
			problem := decode[api.Problem](t, w)
			path, _, _ := strings.Cut(c.path, "?")
			if w.Code != c.status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			if problem.Status != c.status || problem.Title != http.StatusText(c.status) || problem.Type != "about:blank" ||
				problem.Detail == "" || problem.Instance != path || problem.RequestID != "r-1" {
				t.Errorf("%+v", problem)
			}
			var where []string
			for _, e := range problem.Errors {
				where = append(where, e.Pointer+e.Parameter)
			}
			if fmt.Sprint(where) != fmt.Sprint(c.where) {
				t.Errorf("errors at %v, want %v", where, c.where)
			}
			if c.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestABodyThatIsNotJSONIsRefused(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	if w := send(s, "POST", "/api/v1/users", "name=Ada", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 415 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRequestAndTraceIDsAreKeptInAnswerAndLog(t *testing.T) {
	s, logs := newServer(t, config.Config{})
	w := send(s, "GET", "/api/v1/users", "", "X-Request-Id", "abc-1", "X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678")
	if w.Header().Get("X-Request-Id") != "abc-1" || decode[listEnvelope](t, w).Meta.RequestID != "abc-1" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	line := logs.all(t)[0]
	for key, want := range map[string]any{
		"msg": "request", "request_id": "abc-1", "trace_id": "Root=1-67891233-abcdef012345678912345678", "version": "1.2.3",
		"method": "GET", "path": "/api/v1/users", "route": "/api/v1/users", "status": 200.0,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
}

func TestARequestWithoutAUsableIDGetsOne(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	seen := map[string]bool{}
	for _, given := range []string{"", "two words", strings.Repeat("x", 129), "caf\u00e9"} {
		id := send(s, "GET", "/", "", "X-Request-Id", given).Header().Get("X-Request-Id")
		if len(id) != 32 || seen[id] {
			t.Errorf("%q became %q", given, id)
		}
		seen[id] = true
	}
}

func TestMetricsCountByRouteNotByPath(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	send(s, "GET", "/api/v1/users/1", "")
	send(s, "GET", "/api/v1/users/2", "")
	send(s, "GET", "/health/ready", "")
	text := send(s, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`http_requests_total{method="GET",route="/api/v1/users/{id}",status="404"} 2`,
		`http_requests_total{method="GET",route="/health/ready",status="200"} 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

func TestProbesAreNotLoggedAtInfo(t *testing.T) {
	s, logs := newServer(t, config.Config{})
	for _, path := range []string{"/health", "/health/live", "/health/ready", "/metrics", "/"} {
		if w := send(s, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if all := logs.all(t); len(all) != 1 || all[0]["path"] != "/" {
		t.Errorf("logged %v", all)
	}
}

func TestErrorRateSparesHealth(t *testing.T) {
	s, _ := newServer(t, config.Config{Faults: config.Faults{ErrorRate: 1}})
	for path, want := range map[string]int{"/": 500, "/api/v1/users": 500, "/health": 200, "/health/live": 200, "/health/ready": 200, "/metrics": 200} {
		if w := send(s, "GET", path, ""); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestNeverReadyIsAliveAndServes(t *testing.T) {
	s, _ := newServer(t, config.Config{Faults: config.Faults{NeverReady: true}})
	for path, want := range map[string]int{"/": 200, "/health": 503, "/health/live": 200, "/health/ready": 503} {
		if w := send(s, "GET", path, ""); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestSlowStartBecomesReady(t *testing.T) {
	s, _ := newServer(t, config.Config{Faults: config.Faults{SlowStart: 300 * time.Millisecond}})
	if w := send(s, "GET", "/health/ready", ""); w.Code != 503 {
		t.Errorf("at once: %d", w.Code)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if send(s, "GET", "/health/ready", "").Code == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it never became ready")
		}
	}
}

func TestAPanicIsA500AndLogged(t *testing.T) {
	s, logs := newServer(t, config.Config{})
	s.store.Close()
	s.handler = identify("1.2.3", observe(metrics.New("1.2.3"), s.log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })))
	w := send(s, "GET", "/", "", "X-Request-Id", "p-1")
	if problem := decode[api.Problem](t, w); w.Code != 500 || problem.RequestID != "p-1" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if line := logs.all(t)[0]; line["msg"] != "panic" || line["cause"] != "oh" || line["request_id"] != "p-1" {
		t.Errorf("%v", line)
	}
}

func TestTheServerHasATimeOutForEverything(t *testing.T) {
	s, _ := newServer(t, config.Config{})
	server := s.httpServer()
	for what, limit := range map[string]time.Duration{
		"headers": server.ReadHeaderTimeout, "request": server.ReadTimeout, "answer": server.WriteTimeout, "idle connection": server.IdleTimeout,
	} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("%s: %s", what, limit)
		}
	}
	if server.WriteTimeout != time.Minute || server.IdleTimeout <= time.Minute {
		t.Errorf("an answer may take %s, and an idle connection is kept for %s", server.WriteTimeout, server.IdleTimeout)
	}
}

// running is a server on a port of its own.
type running struct {
	url   string
	stop  context.CancelFunc
	ended chan error
}

func run(t *testing.T, c config.Config) (running, *lines) {
	t.Helper()
	s, logs := newServer(t, c)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener, func(int) { t.Error("crashed") }) }()
	return running{"http://" + listener.Addr().String(), cancel, ended}, logs
}

func (r running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		t.Fatal("it did not stop")
		return nil
	}
}

func status(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

func waitForInFlight(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		// Two: the slow request, and this one.
		if _, text := status(t, http.DefaultClient, url+"/metrics"); strings.Contains(text, "http_requests_in_flight 2\n") {
			return
		}
	}
	t.Fatal("the slow request never arrived")
}

func TestAGracefulStopFailsReadinessFirstAndFinishesRequestsInFlight(t *testing.T) {
	const latency, delay = 1500 * time.Millisecond, 500 * time.Millisecond
	server, logs := run(t, config.Config{
		ShutdownDelay: delay, ShutdownTimeout: patience, Faults: config.Faults{Latency: latency},
	})
	slow := make(chan int, 1)
	go func() {
		code, _ := status(t, &http.Client{Transport: &http.Transport{}}, server.url+"/api/v1/users")
		slow <- code
	}()
	waitForInFlight(t, server.url)

	stopped := time.Now()
	server.stop()
	var report health.Report
	for deadline := stopped.Add(patience); ; time.Sleep(time.Millisecond) {
		code, body := status(t, http.DefaultClient, server.url+"/health/ready")
		if code == 503 {
			if err := json.Unmarshal([]byte(body), &report); err != nil {
				t.Fatal(err)
			}
			break
		}
		if code == 0 || time.Now().After(deadline) {
			t.Fatalf("readiness never failed before the listener closed: %d %s", code, body)
		}
	}
	if report.Status != "draining" {
		t.Errorf("readiness says %+v", report)
	}
	response, err := http.Get(server.url + "/health/live")
	if err != nil {
		t.Fatalf("no new requests during the delay: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || !response.Close {
		t.Errorf("during the delay: %d, close %v", response.StatusCode, response.Close)
	}

	if err := server.wait(t); err != nil {
		t.Errorf("ended with %v", err)
	}
	select {
	case code := <-slow:
		if code != 200 {
			t.Errorf("the request in flight got %d", code)
		}
	default:
		t.Error("the server ended before the request in flight was answered")
	}
	if took := time.Since(stopped); took < delay {
		t.Errorf("stopped after %s, before the delay was over", took)
	}
	if code, text := status(t, http.DefaultClient, server.url+"/health/live"); code != 0 {
		t.Errorf("still answers: %d %s", code, text)
	}
	var told []string
	for _, line := range logs.all(t) {
		if text := line["msg"].(string); strings.HasPrefix(text, "stop") {
			told = append(told, text)
		}
	}
	if len(told) != 3 || told[2] != "stopped" {
		t.Errorf("logged %v", told)
	}
}

func TestARequestThatTakesTooLongIsCutOffAndSaid(t *testing.T) {
	server, _ := run(t, config.Config{ShutdownTimeout: 100 * time.Millisecond, Faults: config.Faults{Latency: time.Minute}})
	slow := make(chan int, 1)
	go func() {
		code, _ := status(t, &http.Client{Transport: &http.Transport{}}, server.url+"/")
		slow <- code
	}()
	waitForInFlight(t, server.url)
	server.stop()
	if err := server.wait(t); err == nil || !strings.Contains(err.Error(), "still in flight after 100ms") {
		t.Errorf("ended with %v", err)
	}
	if code := <-slow; code != 0 {
		t.Errorf("the request got %d", code)
	}
}
