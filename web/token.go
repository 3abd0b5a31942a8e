package web

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"dswatch/guard"
	"dswatch/setting"
	"dswatch/words"
)

// NewToken makes the token of the local API of this start and puts it below
// bus.dir. That of an earlier start, or whatever somebody has put there, is over.
func NewToken(dir string) (setting.Secret, error) {
	token := rand.Text()
	if err := guard.Replace(filepath.Join(dir, tokenFile), []byte(token+"\n")); err != nil {
		return "", words.FailWith(err, words.WriteToken.With(err))
	}
	return setting.Secret(token), nil
}

// tokenFile holds the token, below bus.dir.
const tokenFile = "token"

// Token returns the token of the running process. Where no process has ever run
// the error is fs.ErrNotExist.
func Token(dir string) (setting.Secret, error) {
	path := filepath.Join(dir, tokenFile)
	b, err := os.ReadFile(path)
	token := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", words.FailWith(err, words.TokenDenied.With(err))
	case err != nil:
		return "", words.FailWith(err, words.TokenUnreadable.With(err))
	case !fitToken(token):
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
	return guard.Replace(path, []byte(address+"\n"))
}

// Address returns what SetAddress noted, or listen where there is nothing.
func Address(dir, listen string) string {
	b, err := os.ReadFile(filepath.Join(dir, addressFile))
	if _, _, aerr := net.SplitHostPort(strings.TrimSpace(string(b))); err != nil || aerr != nil {
		return listen
	}
	return strings.TrimSpace(string(b))
}
