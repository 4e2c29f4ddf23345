// Package config reads the service's settings from the environment and refuses what it cannot use.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config is everything that can be set from outside. The version is not here: it is fixed when the program is linked.
type Config struct {
	// Port is the TCP port to listen on (PORT, default 8080).
	Port int
	// DatabaseURL is a PostgreSQL URL (DATABASE_URL). Empty means the in-memory store.
	DatabaseURL string
	// LogLevel is the lowest level that is logged (LOG_LEVEL: debug, info, warn or error; default info).
	LogLevel slog.Level
	// ShutdownDelay is how long readiness fails before the listener closes (SHUTDOWN_DELAY, default 1s).
	ShutdownDelay time.Duration
	// ShutdownTimeout is how long requests in flight may take to end after that (SHUTDOWN_TIMEOUT, default 20s).
	ShutdownTimeout time.Duration
	// Faults are misbehaviours asked for on purpose, to try rollouts with.
	Faults Faults
}

// Faults are the FAULT_* settings. The zero value is a service without faults.
type Faults struct {
	// CrashAtStart is the exit code to end with instead of starting; 0 for none (FAULT_CRASH_AT_START, 1 to 255).
	CrashAtStart int
	// CrashAfter ends the process with exit code 1 that long after the start; 0 for never (FAULT_CRASH_AFTER).
	CrashAfter time.Duration
	// NeverReady keeps readiness failing (FAULT_NEVER_READY, true or false).
	NeverReady bool
	// SlowStart keeps readiness failing for that long after the start (FAULT_SLOW_START).
	SlowStart time.Duration
	// ErrorRate is the share of requests answered with 500, 0 to 1 (FAULT_ERROR_RATE); health and metrics are spared.
	ErrorRate float64
	// Latency is added to every answer that ErrorRate may hit (FAULT_LATENCY).
	Latency time.Duration
	// MemoryGrowth is how many MiB the process takes and keeps each second (FAULT_MEMORY_GROWTH).
	MemoryGrowth float64
}

// FieldError is a setting that cannot be used: which one, what it was, and what it must be.
type FieldError struct {
	Field string
	Value string
	Fix   string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s=%q cannot be used: %s", e.Field, e.Value, e.Fix)
}

// Load reads the settings through getenv. Empty and absent are the same. Every unusable setting is reported, not just the first:
// the error joins one *FieldError for each.
func Load(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		Port:            r.integer("PORT", 8080, 1, 65535),
		DatabaseURL:     r.databaseURL("DATABASE_URL"),
		LogLevel:        r.level("LOG_LEVEL", slog.LevelInfo),
		ShutdownDelay:   r.duration("SHUTDOWN_DELAY", time.Second),
		ShutdownTimeout: r.duration("SHUTDOWN_TIMEOUT", 20*time.Second),
		Faults: Faults{
			CrashAtStart: r.integer("FAULT_CRASH_AT_START", 0, 1, 255),
			CrashAfter:   r.duration("FAULT_CRASH_AFTER", 0),
			NeverReady:   r.boolean("FAULT_NEVER_READY"),
			SlowStart:    r.duration("FAULT_SLOW_START", 0),
			ErrorRate:    r.number("FAULT_ERROR_RATE", 0, 1, "a share between 0 and 1, such as 0.25"),
			Latency:      r.duration("FAULT_LATENCY", 0),
			MemoryGrowth: r.number("FAULT_MEMORY_GROWTH", 0, 65536, "MiB per second between 0 and 65536, such as 16"),
		},
	}
	return c, errors.Join(r.problems...)
}

type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) refuse(field, value, fix string) {
	r.problems = append(r.problems, &FieldError{Field: field, Value: value, Fix: fix})
}

func (r *reader) integer(field string, standard, least, most int) int {
	text := r.getenv(field)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		r.refuse(field, text, fmt.Sprintf("set a whole number from %d to %d, or leave it out", least, most))
		return standard
	}
	return n
}

func (r *reader) number(field string, least, most float64, want string) float64 {
	text := r.getenv(field)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	// Written so that NaN, for which every comparison is false, is refused too.
	if err != nil || !(n >= least && n <= most) {
		r.refuse(field, text, "set "+want+", or leave it out")
		return 0
	}
	return n
}

func (r *reader) duration(field string, standard time.Duration) time.Duration {
	text := r.getenv(field)
	if text == "" {
		return standard
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		r.refuse(field, text, "set a duration with its unit, such as 500ms, 10s or 2m, or leave it out")
		return standard
	}
	return d
}

func (r *reader) boolean(field string) bool {
	text := r.getenv(field)
	if text == "" {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		r.refuse(field, text, "set true or false, or leave it out")
	}
	return b
}

func (r *reader) level(field string, standard slog.Level) slog.Level {
	switch text := r.getenv(field); strings.ToLower(text) {
	case "":
		return standard
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		r.refuse(field, text, "set debug, info, warn or error, or leave it out")
		return standard
	}
}

func (r *reader) databaseURL(field string) string {
	text := r.getenv(field)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || strings.TrimPrefix(u.Path, "/") == "" {
		// The value is not repeated: it usually holds a password, and this text goes to a log.
		r.refuse(field, "(not shown)", "set a URL such as postgres://user:password@host:5432/database, or leave it out for the in-memory store")
		return ""
	}
	return text
}
