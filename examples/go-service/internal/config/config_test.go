package config

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func from(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestNothingSetGivesTheDocumentedDefaults(t *testing.T) {
	got, err := Load(from(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{Port: 8080, LogLevel: slog.LevelInfo, ShutdownDelay: time.Second, ShutdownTimeout: 20 * time.Second}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEverySettingIsRead(t *testing.T) {
	got, err := Load(from(map[string]string{
		"PORT":                 "9000",
		"DATABASE_URL":         "postgres://u:p@db:5432/app?sslmode=require",
		"LOG_LEVEL":            "DEBUG",
		"SHUTDOWN_DELAY":       "0s",
		"SHUTDOWN_TIMEOUT":     "3s",
		"FAULT_CRASH_AT_START": "7",
		"FAULT_CRASH_AFTER":    "1m",
		"FAULT_NEVER_READY":    "true",
		"FAULT_SLOW_START":     "10s",
		"FAULT_ERROR_RATE":     "0.25",
		"FAULT_LATENCY":        "50ms",
		"FAULT_MEMORY_GROWTH":  "16",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Port:            9000,
		DatabaseURL:     "postgres://u:p@db:5432/app?sslmode=require",
		LogLevel:        slog.LevelDebug,
		ShutdownDelay:   0,
		ShutdownTimeout: 3 * time.Second,
		Faults: Faults{
			CrashAtStart: 7, CrashAfter: time.Minute, NeverReady: true, SlowStart: 10 * time.Second,
			ErrorRate: 0.25, Latency: 50 * time.Millisecond, MemoryGrowth: 16,
		},
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestABadValueIsRefusedByNameWithTheFix(t *testing.T) {
	cases := []struct{ field, value, fix string }{
		{"PORT", "http", "whole number from 1 to 65535"},
		{"PORT", "0", "whole number from 1 to 65535"},
		{"PORT", "65536", "whole number from 1 to 65535"},
		{"LOG_LEVEL", "loud", "debug, info, warn or error"},
		{"SHUTDOWN_DELAY", "5", "duration with its unit"},
		{"SHUTDOWN_TIMEOUT", "-1s", "duration with its unit"},
		{"FAULT_CRASH_AT_START", "0", "whole number from 1 to 255"},
		{"FAULT_CRASH_AT_START", "true", "whole number from 1 to 255"},
		{"FAULT_CRASH_AFTER", "soon", "duration with its unit"},
		{"FAULT_NEVER_READY", "yes please", "true or false"},
		{"FAULT_SLOW_START", "10", "duration with its unit"},
		{"FAULT_ERROR_RATE", "25%", "between 0 and 1"},
		{"FAULT_ERROR_RATE", "1.5", "between 0 and 1"},
		{"FAULT_ERROR_RATE", "NaN", "between 0 and 1"},
		{"FAULT_LATENCY", "fast", "duration with its unit"},
		{"FAULT_MEMORY_GROWTH", "16MiB", "MiB per second"},
		{"FAULT_MEMORY_GROWTH", "+Inf", "MiB per second"},
	}
	for _, c := range cases {
		t.Run(c.field+"="+c.value, func(t *testing.T) {
			_, err := Load(from(map[string]string{c.field: c.value}))
			var bad *FieldError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a FieldError", err)
			}
			if bad.Field != c.field || !strings.Contains(bad.Error(), c.value) || !strings.Contains(bad.Fix, c.fix) {
				t.Errorf("got %q, want the field %s, its value and a fix with %q", bad, c.field, c.fix)
			}
		})
	}
}

func TestADatabaseURLIsRefusedWithoutShowingItsPassword(t *testing.T) {
	for _, text := range []string{"mysql://u:hunter2@db/app", "postgres://u:hunter2@db", "postgres://u:hunter2@db:port/app"} {
		_, err := Load(from(map[string]string{"DATABASE_URL": text}))
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL") {
			t.Errorf("%s: got %v, want DATABASE_URL refused", text, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestAllBadValuesAreReportedAtOnce(t *testing.T) {
	_, err := Load(from(map[string]string{"PORT": "x", "FAULT_LATENCY": "y"}))
	if err == nil || !strings.Contains(err.Error(), "PORT") || !strings.Contains(err.Error(), "FAULT_LATENCY") {
		t.Errorf("got %v, want both fields named", err)
	}
}
