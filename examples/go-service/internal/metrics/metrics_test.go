package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func show(t *testing.T, r *Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("content type %q", got)
	}
	return w.Body.String()
}

func TestRequestsAreCountedByMethodRouteAndStatus(t *testing.T) {
	r := New("1.2.3")
	r.Begin()("GET", "/api/v1/users", 200, 30*time.Millisecond)
	r.Begin()("GET", "/api/v1/users", 200, 3*time.Second)
	r.Begin()("BREW", "/", 405, time.Minute)
	r.Begin()
	text := show(t, r)
	for _, line := range []string{
		`http_requests_total{method="GET",route="/api/v1/users",status="200"} 2`,
		`http_requests_total{method="OTHER",route="/",status="405"} 1`,
		`http_request_duration_seconds_bucket{method="GET",route="/api/v1/users",le="0.025"} 0`,
		`http_request_duration_seconds_bucket{method="GET",route="/api/v1/users",le="0.05"} 1`,
		`http_request_duration_seconds_bucket{method="GET",route="/api/v1/users",le="5"} 2`,
		`http_request_duration_seconds_bucket{method="OTHER",route="/",le="10"} 0`,
		`http_request_duration_seconds_bucket{method="OTHER",route="/",le="+Inf"} 1`,
		`http_request_duration_seconds_sum{method="GET",route="/api/v1/users"} 3.03`,
		`http_request_duration_seconds_count{method="GET",route="/api/v1/users"} 2`,
		`http_requests_in_flight 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in:\n%s", line, text)
		}
	}
}

func TestADurationOnABoundCountsBelowIt(t *testing.T) {
	r := New("1")
	r.Begin()("GET", "/", 200, 100*time.Millisecond)
	if text := show(t, r); !strings.Contains(text, `le="0.1"} 1`) || !strings.Contains(text, `le="0.05"} 0`) {
		t.Error(text)
	}
}

func TestTheVersionIsALabelAndEscaped(t *testing.T) {
	if text := show(t, New("a\"b\\c\nd")); !strings.Contains(text, `version="a\"b\\c\nd"`) {
		t.Error(text)
	}
}

func TestEverySeriesHasHelpAndType(t *testing.T) {
	r := New("1")
	r.Begin()("GET", "/", 200, time.Millisecond)
	text := show(t, r)
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if !strings.Contains(text, "# TYPE "+name+" ") || !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("%s has no help or type", name)
		}
	}
}
