package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// schema is made by whichever copy of the service comes first. Several start at once in a rollout, and CREATE ... IF NOT EXISTS
// can still fail when two run together, hence the advisory lock around it.
const schema = `
CREATE TABLE IF NOT EXISTS users (
	id         uuid PRIMARY KEY,
	name       text NOT NULL,
	email      text NOT NULL,
	created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (lower(email));
`

const (
	schemaLock      = 7_205_759_403
	uniqueViolation = "23505"
	retryPause      = time.Second
	attemptLimit    = 5 * time.Second
)

var errConnecting = errors.New("the first connection to the database has not been made yet")

// Postgres is a store in PostgreSQL.
type Postgres struct {
	pool   *pgxpool.Pool
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	problem error
}

// OpenPostgres returns at once. It connects and makes the table in the background and tries again, each second, until that
// works or Close is called; Check says meanwhile what is wrong. A database that is briefly away at the start of a task then shows
// as a task that is not ready, not as a crash. It fails only for a URL that cannot be parsed. report is told of each failed try.
func OpenPostgres(databaseURL string, report func(error)) (*Postgres, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	p := &Postgres{pool: pool, cancel: cancel, done: make(chan struct{}), problem: errConnecting}
	go p.prepare(ctx, report)
	return p, nil
}

func (p *Postgres) prepare(ctx context.Context, report func(error)) {
	defer close(p.done)
	for {
		err := p.migrate(ctx)
		if ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		p.problem = err
		p.mu.Unlock()
		if err == nil {
			return
		}
		report(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryPause):
		}
	}
}

func (p *Postgres) migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schema)
		return err
	})
}

// Create implements Store.
func (p *Postgres) Create(ctx context.Context, name, email string) (User, error) {
	u := newUser(name, email)
	_, err := p.pool.Exec(ctx, "INSERT INTO users (id, name, email, created_at) VALUES ($1, $2, $3, $4)", u.ID, u.Name, u.Email, u.CreatedAt)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == uniqueViolation && answer.ConstraintName == "users_email_key" {
		return User{}, ErrEmailTaken
	}
	if err != nil {
		return User{}, fmt.Errorf("insert user: %w", err)
	}
	return u, nil
}

// Get implements Store.
func (p *Postgres) Get(ctx context.Context, id string) (User, error) {
	rows, err := p.pool.Query(ctx, "SELECT id::text, name, email, created_at FROM users WHERE id = $1", id)
	if err != nil {
		return User{}, fmt.Errorf("select user: %w", err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("select user: %w", err)
	}
	return u, nil
}

// List implements Store.
func (p *Postgres) List(ctx context.Context, after string, limit int) ([]User, error) {
	if after == "" {
		after = "00000000-0000-0000-0000-000000000000"
	}
	rows, err := p.pool.Query(ctx, "SELECT id::text, name, email, created_at FROM users WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	if err != nil {
		return nil, fmt.Errorf("select users: %w", err)
	}
	users, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("select users: %w", err)
	}
	return users, nil
}

func scanUser(row pgx.CollectableRow) (User, error) {
	var u User
	err := row.Scan(&u.ID, &u.Name, &u.Email, &u.CreatedAt)
	u.CreatedAt = u.CreatedAt.UTC()
	return u, err
}

// Check implements Store: the table is there, and the database answers now.
func (p *Postgres) Check(ctx context.Context) error {
	p.mu.Lock()
	problem := p.problem
	p.mu.Unlock()
	if problem != nil {
		return problem
	}
	return p.pool.Ping(ctx)
}

// Kind implements Store.
func (*Postgres) Kind() string { return "postgresql" }

// Close ends the background work and waits for connections in use.
func (p *Postgres) Close() {
	p.cancel()
	<-p.done
	p.pool.Close()
}
