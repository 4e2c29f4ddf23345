package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxBodyBytes = 64 << 10
	maxNameRunes = 100
	// maxEmailBytes is the longest address that fits an SMTP path (RFC 5321, 4.5.3.1.3, less the angle brackets).
	maxEmailBytes = 254
	defaultLimit  = 50
	maxLimit      = 200
)

// failure is a problem on the way to an answer: a status, a sentence, and what is wrong where.
type failure struct {
	status int
	detail string
	errors []FieldError
}

type newUser struct {
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

// decodeNewUser reads a body of at most 64 KiB: one JSON object with `name` and `email` and nothing else.
func decodeNewUser(w http.ResponseWriter, r *http.Request) (name, email string, bad *failure) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return "", "", &failure{http.StatusUnsupportedMediaType, "send the user as application/json", nil}
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	decoder.DisallowUnknownFields()
	var body newUser
	if err := decoder.Decode(&body); err != nil {
		return "", "", decodingFailure(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", "", &failure{http.StatusBadRequest, "the body holds more than one JSON value", nil}
	}
	name, email, errs := validateUser(body)
	if len(errs) > 0 {
		return "", "", &failure{http.StatusUnprocessableEntity, "the user cannot be accepted as it is", errs}
	}
	return name, email, nil
}

func decodingFailure(err error) *failure {
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit), nil}
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return &failure{http.StatusUnprocessableEntity, "the user cannot be accepted as it is", []FieldError{
			{Pointer: "/" + wrongType.Field, Detail: "must be a string, not a JSON " + wrongType.Value},
		}}
	case errors.Is(err, io.EOF):
		return &failure{http.StatusBadRequest, "the body is empty", nil}
	}
	return &failure{http.StatusBadRequest, "the body cannot be read: " + strings.TrimPrefix(err.Error(), "json: "), nil}
}

func validateUser(body newUser) (name, email string, errs []FieldError) {
	if body.Name != nil {
		name = strings.TrimSpace(*body.Name)
	}
	switch {
	case name == "":
		errs = append(errs, FieldError{Pointer: "/name", Detail: "is required"})
	case utf8.RuneCountInString(name) > maxNameRunes:
		errs = append(errs, FieldError{Pointer: "/name", Detail: fmt.Sprintf("must have at most %d characters", maxNameRunes)})
	case strings.ContainsFunc(name, unicode.IsControl):
		errs = append(errs, FieldError{Pointer: "/name", Detail: "must not have control characters"})
	}
	if body.Email != nil {
		email = strings.TrimSpace(*body.Email)
	}
	// ParseAddress also takes "Name <address>"; only a bare address comes back unchanged.
	address, err := mail.ParseAddress(email)
	switch {
	case email == "":
		errs = append(errs, FieldError{Pointer: "/email", Detail: "is required"})
	case len(email) > maxEmailBytes:
		errs = append(errs, FieldError{Pointer: "/email", Detail: fmt.Sprintf("must have at most %d bytes", maxEmailBytes)})
	case err != nil || address.Address != email:
		errs = append(errs, FieldError{Pointer: "/email", Detail: "must be an e-mail address such as ada@example.com"})
	}
	return name, email, errs
}

// page reads the query of a list: `limit` (1 to 200, default 50) and `after`, an id.
func page(r *http.Request) (after string, limit int, bad *failure) {
	limit = defaultLimit
	var errs []FieldError
	query := r.URL.Query()
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			errs = append(errs, FieldError{Parameter: "limit", Detail: fmt.Sprintf("must be a whole number from 1 to %d", maxLimit)})
		}
		limit = n
	}
	after = query.Get("after")
	if after != "" && !isUUID(after) {
		errs = append(errs, FieldError{Parameter: "after", Detail: "must be the id of a user"})
	}
	if len(errs) > 0 {
		return "", 0, &failure{http.StatusBadRequest, "the query cannot be used", errs}
	}
	return strings.ToLower(after), limit, nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for at, c := range []byte(s) {
		switch at {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}
