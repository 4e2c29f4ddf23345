//go:build postgres

package store

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var schemas atomic.Int64

// databaseURL makes an empty schema of its own for the test, in the database that TEST_DATABASE_URL names.
func databaseURL(t *testing.T) string {
	t.Helper()
	text := os.Getenv("TEST_DATABASE_URL")
	if text == "" {
		t.Fatal("set TEST_DATABASE_URL to a PostgreSQL database to test with, or use run_tests.py, which starts one")
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	execute := func(statement string) {
		connection, err := pgx.Connect(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close(context.Background())
		if _, err := connection.Exec(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute("CREATE SCHEMA " + name)
	t.Cleanup(func() { execute("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return u.String()
}

func open(t *testing.T, text string, report func(error)) *Postgres {
	t.Helper()
	p, err := OpenPostgres(text, report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func waitUntilReady(t *testing.T, p *Postgres) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = p.Check(t.Context()); err == nil {
			return
		}
	}
	t.Fatalf("still not ready: %v", err)
}

func TestPostgres(t *testing.T) {
	contract(t, func(t *testing.T) Store {
		p := open(t, databaseURL(t), func(err error) { t.Error(err) })
		waitUntilReady(t, p)
		return p
	})
}

func TestManyProcessesStartOnAnEmptyDatabase(t *testing.T) {
	text := databaseURL(t)
	var started []*Postgres
	for range 8 {
		started = append(started, open(t, text, func(err error) { t.Error(err) }))
	}
	for _, p := range started {
		waitUntilReady(t, p)
	}
}

func TestUsersOutliveTheProcess(t *testing.T) {
	text := databaseURL(t)
	first, err := OpenPostgres(text, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	waitUntilReady(t, first)
	made, err := first.Create(t.Context(), "Ada", "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := open(t, text, func(err error) { t.Error(err) })
	waitUntilReady(t, second)
	if got, err := second.Get(t.Context(), made.ID); err != nil || got != made {
		t.Errorf("got %+v, %v, want %+v", got, err, made)
	}
}

func TestADatabaseThatComesLateIsWaitedFor(t *testing.T) {
	text := databaseURL(t)
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := reserved.Addr().String()
	reserved.Close()
	// Through TCP, where nothing listens yet; the forwarder that then listens there leads to the real database.
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	query := u.Query()
	query.Del("host")
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()

	reports := make(chan error, 100)
	p := open(t, u.String(), func(err error) { reports <- err })
	select {
	case err := <-reports:
		if !strings.Contains(err.Error(), "connect") {
			t.Errorf("reported %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was reported")
	}
	if err := p.Check(t.Context()); err == nil {
		t.Error("ready without a database")
	}
	forward(t, address, config)
	waitUntilReady(t, p)
}

// forward listens at the address and connects what comes to the database of the configuration, until the test ends.
func forward(t *testing.T, address string, config *pgx.ConnConfig) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	network, target := "tcp", net.JoinHostPort(config.Host, fmt.Sprint(config.Port))
	if strings.HasPrefix(config.Host, "/") {
		network, target = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", config.Host, config.Port)
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			database, err := net.Dial(network, target)
			if err != nil {
				client.Close()
				continue
			}
			go relay(client, database)
			go relay(database, client)
		}
	}()
}

func relay(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
