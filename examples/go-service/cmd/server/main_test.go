package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this test program be the server, for tests that need a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_BE_THE_SERVER") != "" {
		main()
	}
	os.Exit(m.Run())
}

func ended(t *testing.T, environment map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	code = run(args, func(name string) string { return environment[name] }, &out, &errors, func(int) { t.Error("crashed") })
	return code, out.String(), errors.String()
}

func TestVersionIsPrinted(t *testing.T) {
	if code, out, _ := ended(t, nil, "-version"); code != 0 || out != "dev\n" {
		t.Errorf("%d %q", code, out)
	}
}

func TestNothingInTheEnvironmentChangesTheVersion(t *testing.T) {
	if _, out, _ := ended(t, map[string]string{"VERSION": "9", "SERVICE_VERSION": "9", "APP_VERSION": "9"}, "-version"); out != "dev\n" {
		t.Errorf("%q", out)
	}
}

func TestCrashAtStartIsTheExitCode(t *testing.T) {
	code, out, _ := ended(t, map[string]string{"FAULT_CRASH_AT_START": "3"})
	if code != 3 || !strings.Contains(out, "FAULT_CRASH_AT_START") {
		t.Errorf("%d %s", code, out)
	}
}

func TestBadSettingsAreRefusedAtStart(t *testing.T) {
	code, out, _ := ended(t, map[string]string{"PORT": "web", "FAULT_ERROR_RATE": "2"})
	if code != exitUsage || strings.Count(out, "\n") != 2 || !strings.Contains(out, "PORT") || !strings.Contains(out, "FAULT_ERROR_RATE") {
		t.Errorf("%d %s", code, out)
	}
}

func TestUnknownArgumentsAreRefused(t *testing.T) {
	for _, argument := range []string{"-port=1", "serve"} {
		if code, _, errors := ended(t, nil, argument); code != exitUsage || errors == "" {
			t.Errorf("%s: %d %q", argument, code, errors)
		}
	}
}

func TestATakenPortIsSaid(t *testing.T) {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	code, out, _ := ended(t, map[string]string{"PORT": fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)})
	if code != exitFailed || !strings.Contains(out, "address already in use") {
		t.Errorf("%d %s", code, out)
	}
}

func TestHealthcheckAsksTheServerOnThePort(t *testing.T) {
	status := http.StatusOK
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		w.WriteHeader(status)
	}))
	environment := map[string]string{"PORT": fmt.Sprint(server.Listener.Addr().(*net.TCPAddr).Port)}
	for option, path := range map[string]string{
		"-healthcheck": "/health/ready", "-healthcheck=ready": "/health/ready", "-healthcheck=live": "/health/live",
	} {
		if code, out, _ := ended(t, environment, option); code != 0 {
			t.Errorf("%s: %d %s", option, code, out)
		}
		if got := <-asked; got != path {
			t.Errorf("%s asked %s", option, got)
		}
	}
	status = http.StatusServiceUnavailable
	if code, out, _ := ended(t, environment, "-healthcheck"); code != 1 || !strings.Contains(out, "503") {
		t.Errorf("not ready: %d %s", code, out)
	}
	server.Close()
	if code, out, _ := ended(t, environment, "-healthcheck"); code != 1 || !strings.Contains(out, "refused") {
		t.Errorf("nobody there: %d %s", code, out)
	}
	if code, _, errors := ended(t, environment, "-healthcheck=maybe"); code != exitUsage || !strings.Contains(errors, "-healthcheck=live") {
		t.Errorf("unknown kind: %d %s", code, errors)
	}
}

// process is the server as a real process on a free port.
type process struct {
	command *exec.Cmd
	port    int
	lines   *bufio.Scanner
}

func start(t *testing.T, environment ...string) process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	command := exec.Command(os.Args[0])
	command.Env = append([]string{"TEST_BE_THE_SERVER=1", fmt.Sprintf("PORT=%d", port)}, environment...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(30*time.Second, func() { command.Process.Kill() })
	t.Cleanup(func() { killer.Stop(); command.Process.Kill() })
	return process{command, port, bufio.NewScanner(out)}
}

// until reads log lines up to one with the message; it fails the test when there is none.
func (p process) until(t *testing.T, message string) map[string]any {
	t.Helper()
	for p.lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(p.lines.Bytes(), &line); err != nil {
			t.Fatalf("not a JSON line: %s", p.lines.Text())
		}
		if text := line["msg"].(string); strings.HasPrefix(text, message) {
			return line
		}
	}
	t.Fatalf("no line %q", message)
	return nil
}

func TestSIGTERMStopsTheProcessGracefully(t *testing.T) {
	p := start(t, "SHUTDOWN_DELAY=300ms", "FAULT_LATENCY=1s")
	p.until(t, "serving")
	answered := make(chan int, 1)
	began := make(chan struct{})
	go func() {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err != nil {
			t.Error(err)
			close(began)
			answered <- 0
			return
		}
		defer connection.Close()
		fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		close(began)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-began
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.until(t, "stopping: readiness fails")
	p.until(t, "stopping: no new connections")
	p.until(t, "stopped")
	if code := <-answered; code != 200 {
		t.Errorf("the request in flight got %d", code)
	}
	if err := p.command.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestCrashAfterEndsTheProcessWithOne(t *testing.T) {
	p := start(t, "FAULT_CRASH_AFTER=200ms")
	p.until(t, "serving")
	if line := p.until(t, "crashing"); line["setting"] != "FAULT_CRASH_AFTER" {
		t.Errorf("%v", line)
	}
	p.command.Wait()
	if code := p.command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}
