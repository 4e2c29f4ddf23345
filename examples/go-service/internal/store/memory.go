package store

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Memory is a store that forgets everything when the process ends.
type Memory struct {
	mu      sync.RWMutex
	byID    map[string]User
	byEmail map[string]struct{}
	order   []string
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{byID: map[string]User{}, byEmail: map[string]struct{}{}}
}

// Create implements Store.
func (m *Memory) Create(_ context.Context, name, email string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.ToLower(email)
	if _, taken := m.byEmail[key]; taken {
		return User{}, ErrEmailTaken
	}
	u := newUser(name, email)
	m.byEmail[key] = struct{}{}
	m.byID[u.ID] = u
	at, _ := slices.BinarySearch(m.order, u.ID)
	m.order = slices.Insert(m.order, at, u.ID)
	return u, nil
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, id string) (User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.byID[id]
	if !ok {
		return User{}, ErrNotFound
	}
	return u, nil
}

// List implements Store.
func (m *Memory) List(_ context.Context, after string, limit int) ([]User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	from, found := slices.BinarySearch(m.order, after)
	if found {
		from++
	}
	users := []User{}
	for _, id := range m.order[from:min(from+limit, len(m.order))] {
		users = append(users, m.byID[id])
	}
	return users, nil
}

// Check implements Store.
func (*Memory) Check(context.Context) error { return nil }

// Kind implements Store.
func (*Memory) Kind() string { return "memory" }

// Close implements Store.
func (*Memory) Close() {}
