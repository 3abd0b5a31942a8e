package web

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"dswatch/setting"
	"dswatch/words"
)

// Token returns the token of the local API, which lies below bus.dir. Create
// makes one where there is none that fits, as each start does; a command gets
// an error that is fs.ErrNotExist where no process has ever run.
func Token(dir string, create bool) (setting.Secret, error) {
	path := filepath.Join(dir, "token")
	b, err := os.ReadFile(path)
	token := strings.TrimSpace(string(b))
	unfit := err == nil && !fitToken(token)
	if create && (unfit || errors.Is(err, fs.ErrNotExist)) {
		token, unfit = rand.Text(), false
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.WriteFile(path, []byte(token+"\n"), 0o600)
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", words.FailWith(err, words.TokenDenied.With(err))
	case err != nil:
		return "", words.FailWith(err, words.TokenUnreadable.With(err))
	case unfit:
		return "", words.Fail(words.NoToken.With(path))
	}
	return setting.Secret(token), nil
}

// fitToken tells a token from a file that was cut or overwritten.
func fitToken(s string) bool {
	return len(s) >= 16 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// addressFile is where a running process listens, below bus.dir: the
// configuration may have been changed since it was read.
const addressFile = "listen"

// SetAddress notes where the process listens; empty: nowhere.
func SetAddress(dir, address string) error {
	path := filepath.Join(dir, addressFile)
	if address == "" {
		return os.Remove(path)
	}
	return os.WriteFile(path, []byte(address+"\n"), 0o600)
}

// Address returns what SetAddress noted, or listen where there is nothing.
func Address(dir, listen string) string {
	b, err := os.ReadFile(filepath.Join(dir, addressFile))
	if _, _, aerr := net.SplitHostPort(strings.TrimSpace(string(b))); err != nil || aerr != nil {
		return listen
	}
	return strings.TrimSpace(string(b))
}
