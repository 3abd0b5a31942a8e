package bus

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"dswatch/words"
)

// dial connects to the external server. It tries until ctx ends, except where
// trying again cannot help.
func (b *Bus) dial(ctx context.Context) (*nats.Conn, error) {
	cfg := b.cfg
	opts, err := access(cfg)
	if err != nil {
		return nil, err
	}
	opts = append(b.connection(), opts...)
	wait := 250 * time.Millisecond
	for try := 0; ; try++ {
		nc, err := dialOnce(ctx, cfg.URL, opts)
		var cert *tls.CertificateVerificationError
		switch {
		case err == nil:
			return nc, nil
		case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
			return nil, fmt.Errorf("connect to %s: %w; check bus.creds_file, or bus.user and bus.password_file", cfg.URL, err)
		case errors.As(err, &cert):
			return nil, fmt.Errorf("connect to %s: %w; set bus.tls.ca_file to the authority that signed the server's certificate", cfg.URL, err)
		}
		if try == 0 {
			b.log.Warn("the message server does not answer; trying again until it does", "url", cfg.URL, "error", err)
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, 5*time.Second)
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to %s: %w; see that a NATS server runs there and that bus.url is right", cfg.URL, err)
		}
	}
}

// dialOnce tries once and returns when ctx ends.
func dialOnce(ctx context.Context, url string, opts []nats.Option) (*nats.Conn, error) {
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		nc, err := nats.Connect(url, opts...)
		done <- result{nc, err}
	}()
	select {
	case r := <-done:
		return r.nc, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.nc != nil {
				r.nc.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// Renewal returns how to log in anew, with what the files that the
// configuration names hold now; what waits for the connection is kept. A file
// that does not help is a *setting.Error. Nobody logs in to an embedded server.
func (b *Bus) Renewal(cfg Config) (logIn func(), err error) {
	if b.server != nil {
		return func() {}, nil
	}
	if _, err := access(cfg); err != nil {
		return nil, err
	}
	return func() { _ = b.nc().ForceReconnect() }, nil // a closed one is made anew by who keeps the bus
}

// access returns the options that log in, after a look at each file: the
// library reads some of them only later and then says little.
func access(cfg Config) ([]nats.Option, error) {
	for _, f := range []struct{ key, name, mark string }{
		{"creds_file", cfg.CredsFile, "-----BEGIN NATS USER JWT-----"},
		{"password_file", cfg.PasswordFile, ""},
		{"tls.ca_file", cfg.TLS.CAFile, "-----BEGIN CERTIFICATE-----"},
		{"tls.cert_file", cfg.TLS.CertFile, "-----BEGIN CERTIFICATE-----"},
		{"tls.key_file", cfg.TLS.KeyFile, "-----BEGIN "},
	} {
		if f.name == "" {
			continue
		}
		text, err := os.ReadFile(f.name)
		switch {
		case err != nil:
			return nil, words.Bad(f.key, words.BusFile.With(err))
		case len(bytes.TrimSpace(text)) == 0:
			return nil, words.Bad(f.key, words.BusFileEmpty.With(f.name))
		case !bytes.Contains(text, []byte(f.mark)):
			return nil, words.Bad(f.key, words.BusFileMark.With(f.name, f.mark))
		}
	}
	var opts []nats.Option
	if cfg.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(cfg.CredsFile))
	}
	if cfg.User != "" {
		// Read at each connect, so that a changed password needs no restart.
		opts = append(opts, nats.UserInfoHandler(func() (string, string) {
			text, _ := os.ReadFile(cfg.PasswordFile) // unreadable: the server refuses the login, which is told
			return cfg.User, string(bytes.TrimRight(text, "\r\n"))
		}))
	}
	if cfg.TLS.CAFile != "" {
		opts = append(opts, nats.RootCAs(cfg.TLS.CAFile))
	}
	if cfg.TLS.CertFile != "" {
		opts = append(opts, nats.ClientCert(cfg.TLS.CertFile, cfg.TLS.KeyFile))
	}
	var probe nats.Options
	for _, o := range opts {
		if err := o(&probe); err != nil {
			return nil, fmt.Errorf("prepare the connection to %s: %w; check the files that bus.tls and bus.creds_file name", cfg.URL, err)
		}
	}
	return opts, nil
}
