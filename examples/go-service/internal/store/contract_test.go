package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// contract is what every store must do. empty makes one without users.
func contract(t *testing.T, empty func(t *testing.T) Store) {
	t.Run("a created user can be read back", func(t *testing.T) {
		s := empty(t)
		before := time.Now().Add(-time.Second)
		made, err := s.Create(t.Context(), "Ada Lovelace", "Ada@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if made.Name != "Ada Lovelace" || made.Email != "Ada@example.com" || made.CreatedAt.Before(before) || made.CreatedAt.After(time.Now()) {
			t.Errorf("made %+v", made)
		}
		got, err := s.Get(t.Context(), made.ID)
		if err != nil || got != made {
			t.Errorf("got %+v, %v, want %+v", got, err, made)
		}
	})
	t.Run("an unknown id is not found", func(t *testing.T) {
		s := empty(t)
		_, err := s.Get(t.Context(), "00000000-0000-7000-8000-000000000000")
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an e-mail address is taken once, whatever its case", func(t *testing.T) {
		s := empty(t)
		if _, err := s.Create(t.Context(), "Ada", "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), "Other", "ADA@Example.com"); !errors.Is(err, ErrEmailTaken) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("one of many at once gets an e-mail address", func(t *testing.T) {
		s := empty(t)
		var wait sync.WaitGroup
		results := createEight(t.Context(), s, &wait)
		wait.Wait()
		made, taken := 0, 0
		for _, err := range results {
			switch {
			case err == nil:
				made++
			case errors.Is(err, ErrEmailTaken):
				taken++
			default:
				t.Error(err)
			}
		}
		if made != 1 || taken != 7 {
			t.Errorf("made %d, taken %d", made, taken)
		}
	})
	t.Run("pages hold every user once, in order of creation", func(t *testing.T) {
		s := empty(t)
		if users, err := s.List(t.Context(), "", 10); err != nil || users == nil || len(users) != 0 {
			t.Errorf("empty store: got %v, %v, want an empty list that is not nil", users, err)
		}
		var want []string
		for n := range 5 {
			u, err := s.Create(t.Context(), "N", fmt.Sprintf("n%d@example.com", n))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, u.ID)
			time.Sleep(time.Millisecond)
		}
		var got []string
		after := ""
		for {
			users, err := s.List(t.Context(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(users) == 0 {
				break
			}
			for _, u := range users {
				got = append(got, u.ID)
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("it says that it can serve", func(t *testing.T) {
		if err := empty(t).Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// createEight makes eight users with one address at once.
func createEight(ctx context.Context, s Store, wait *sync.WaitGroup) []error {
	results := make([]error, 8)
	for n := range results {
		wait.Go(func() { _, results[n] = s.Create(ctx, "Ada", "ada@example.com") })
	}
	return results
}

func TestMemory(t *testing.T) {
	contract(t, func(*testing.T) Store { return NewMemory() })
}

func TestIDsAreVersion7AndSortByTime(t *testing.T) {
	base := time.UnixMilli(1_700_000_000_000)
	earlier, later := newID(base.Add(300*time.Microsecond)), newID(base.Add(301*time.Microsecond))
	if earlier >= later {
		t.Errorf("%s does not sort before %s", earlier, later)
	}
	if !strings.HasPrefix(earlier, "018bcfe5-6800-7") {
		t.Errorf("%s does not begin with its milliseconds and the version", earlier)
	}
	if variant := earlier[19]; !strings.ContainsRune("89ab", rune(variant)) {
		t.Errorf("variant digit %c", variant)
	}
}
