// Package metrics counts requests and shows the counts in Prometheus's text format (version 0.0.4).
package metrics

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// buckets are upper bounds in seconds, chosen around the time-outs of load balancers.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

type requestKey struct {
	method, route string
	status        int
}

type durationKey struct {
	method, route string
}

type histogram struct {
	counts []uint64
	total  uint64
	sum    float64
}

// Registry holds the figures of one process.
type Registry struct {
	version  string
	started  time.Time
	inFlight atomic.Int64

	mu        sync.Mutex
	requests  map[requestKey]uint64
	durations map[durationKey]*histogram
}

// New makes an empty registry; the process counts as started now.
func New(version string) *Registry {
	return &Registry{
		version:   version,
		started:   time.Now(),
		requests:  map[requestKey]uint64{},
		durations: map[durationKey]*histogram{},
	}
}

// Begin counts a request as in flight until the returned function is called with what became of it. route is the pattern that
// matched, never the path, so that the number of series stays small.
func (r *Registry) Begin() func(method, route string, status int, took time.Duration) {
	r.inFlight.Add(1)
	return func(method, route string, status int, took time.Duration) {
		r.inFlight.Add(-1)
		method = knownMethod(method)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests[requestKey{method, route, status}]++
		key := durationKey{method, route}
		h := r.durations[key]
		if h == nil {
			h = &histogram{counts: make([]uint64, len(buckets))}
			r.durations[key] = h
		}
		h.total++
		h.sum += took.Seconds()
		if at, _ := slices.BinarySearch(buckets, took.Seconds()); at < len(buckets) {
			h.counts[at]++
		}
	}
}

// knownMethod keeps a client that invents methods from inventing series.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

// ServeHTTP shows all figures.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, r.text()) // The client has gone: there is nobody left to tell.
}

func (r *Registry) text() string {
	var b strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}

	head("service_info", "gauge", "Always 1; the labels say what runs.")
	fmt.Fprintf(&b, "service_info{go_version=%s,version=%s} 1\n", quote(runtime.Version()), quote(r.version))
	head("process_uptime_seconds", "gauge", "Seconds since the process started.")
	fmt.Fprintf(&b, "process_uptime_seconds %s\n", number(time.Since(r.started).Seconds()))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	head("go_memory_sys_bytes", "gauge", "Memory that the Go runtime has taken from the system.")
	fmt.Fprintf(&b, "go_memory_sys_bytes %d\n", memory.Sys)
	head("go_memory_heap_in_use_bytes", "gauge", "Heap memory in use.")
	fmt.Fprintf(&b, "go_memory_heap_in_use_bytes %d\n", memory.HeapInuse)
	head("go_goroutines", "gauge", "Goroutines that exist now.")
	fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine())
	head("http_requests_in_flight", "gauge", "Requests being answered now.")
	fmt.Fprintf(&b, "http_requests_in_flight %d\n", r.inFlight.Load())

	r.mu.Lock()
	defer r.mu.Unlock()
	head("http_requests_total", "counter", "Requests answered.")
	var lines []string
	for k, n := range r.requests {
		lines = append(lines, fmt.Sprintf("http_requests_total{method=%s,route=%s,status=\"%d\"} %d\n", quote(k.method), quote(k.route), k.status, n))
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))

	head("http_request_duration_seconds", "histogram", "Time from a request's headers to the end of its answer.")
	keys := make([]durationKey, 0, len(r.durations))
	for k := range r.durations {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b durationKey) int { return strings.Compare(a.route+" "+a.method, b.route+" "+b.method) })
	for _, k := range keys {
		h := r.durations[k]
		labels := fmt.Sprintf("method=%s,route=%s", quote(k.method), quote(k.route))
		below := uint64(0)
		for at, bound := range buckets {
			below += h.counts[at]
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"%s\"} %d\n", labels, number(bound), below)
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, h.total)
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{%s} %s\n", labels, number(h.sum))
		fmt.Fprintf(&b, "http_request_duration_seconds_count{%s} %d\n", labels, h.total)
	}
	return b.String()
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func quote(label string) string { return `"` + escape.Replace(label) + `"` }

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
