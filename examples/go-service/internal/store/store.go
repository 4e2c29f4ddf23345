// Package store keeps users: in PostgreSQL, or in memory.
package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ErrNotFound says that there is no user with the id.
var ErrNotFound = errors.New("no such user")

// ErrEmailTaken says that another user has the e-mail address, compared without regard to case.
var ErrEmailTaken = errors.New("e-mail address is taken")

// User is one user. ID is a UUID of version 7, so ids sort by the time they were made.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"created_at"`
}

// Store is what the API needs of a store. All methods are safe for concurrent use.
type Store interface {
	// Create keeps a new user and returns it with its id and time. It fails with ErrEmailTaken.
	Create(ctx context.Context, name, email string) (User, error)
	// Get fails with ErrNotFound.
	Get(ctx context.Context, id string) (User, error)
	// List returns at most limit users in the order of their ids, those after the id `after` (empty: from the first).
	List(ctx context.Context, after string, limit int) ([]User, error)
	// Check returns nil when the store can serve, else why it cannot.
	Check(ctx context.Context) error
	// Kind is `postgresql` or `memory`.
	Kind() string
	Close()
}

// newUser makes a user now. PostgreSQL keeps microseconds, so both stores do.
func newUser(name, email string) User {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return User{ID: newID(now), Name: name, Email: email, CreatedAt: now}
}

// newID makes a UUID of version 7 (RFC 9562, 5.7) whose 12 bits after the version hold the fraction of the millisecond
// (method 3 of section 6.2), so that ids made within one millisecond sort too.
func newID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[8:]) // crypto/rand.Read never returns an error: it ends the program instead.
	milliseconds := uint64(now.UnixMilli())
	fraction := uint64(now.Nanosecond()%1_000_000) * 4096 / 1_000_000
	binary.BigEndian.PutUint64(b[:8], milliseconds<<16|0x7000|fraction)
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
