// Command server is a small service to deploy: users over HTTP, health, metrics, and faults on demand.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	// The image has no files but this program: the TLS roots that a verified connection to a database needs are linked in.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/steadystate/ecs/examples/go-service/internal/config"
	"github.com/steadystate/ecs/examples/go-service/internal/faults"
	"github.com/steadystate/ecs/examples/go-service/internal/logging"
	"github.com/steadystate/ecs/examples/go-service/internal/server"
)

// version is set when the program is linked (-ldflags "-X main.version=1.2.3"), and by nothing else: what a running process says
// of itself is what was built.
var version = "dev"

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr, os.Exit))
}

// run is main with everything it needs handed in. crash ends the process for a fault.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer, crash func(int)) int {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var check string
	flags.BoolFunc("healthcheck", "ask the server that runs on PORT here whether it is ready (=live: whether it is alive), and exit 0 or 1", func(value string) error {
		switch value {
		case "true", "ready":
			check = "/health/ready"
		case "live":
			check = "/health/live"
		default:
			return errors.New("use -healthcheck, -healthcheck=ready or -healthcheck=live")
		}
		return nil
	})
	show := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q: everything is set by flags and the environment\n", flags.Arg(0))
		return exitUsage
	}
	if *show {
		fmt.Fprintln(stdout, version)
		return 0
	}

	settings, err := config.Load(getenv)
	log := logging.New(stdout, settings.LogLevel, version)
	slog.SetDefault(log)
	if err != nil {
		for _, problem := range err.(interface{ Unwrap() []error }).Unwrap() {
			log.Error("cannot start: "+problem.Error(), "exit_code", exitUsage)
		}
		return exitUsage
	}
	if check != "" {
		return healthcheck(fmt.Sprintf("http://127.0.0.1:%d%s", settings.Port, check), stdout)
	}
	if code := faults.New(settings.Faults, log).CrashAtStart(); code != 0 {
		return code
	}
	if err := serve(settings, log, crash); err != nil {
		log.Error("ended with an error", "error", err.Error(), "exit_code", exitFailed)
		return exitFailed
	}
	return 0
}

func serve(settings config.Config, log *slog.Logger, crash func(int)) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := server.Listen(settings.Port)
	if err != nil {
		return err
	}
	s, err := server.New(settings, version, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return s.Run(ctx, listener, crash)
}

// healthcheckTimeout is shorter than the 5 s that ECS gives a container health check command by default.
const healthcheckTimeout = 3 * time.Second

// healthcheck is for container health checks in an image that has no shell and no curl.
func healthcheck(url string, out io.Writer) int {
	client := &http.Client{Timeout: healthcheckTimeout}
	response, err := client.Get(url)
	if err != nil {
		fmt.Fprintf(out, "unhealthy: %v\n", err)
		return exitFailed
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		fmt.Fprintf(out, "unhealthy: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(out, "%s: %s", response.Status, body)
	if response.StatusCode != http.StatusOK {
		return exitFailed
	}
	return 0
}
