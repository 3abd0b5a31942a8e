package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/guard"
	"dswatch/words"
)

// unitTemplate is also in deploy/, for those who install by hand. Its ExecStart
// is the one line that install changes.
//
//go:embed dswatch.service
var unitTemplate string

const (
	unitExec = "ExecStart=/usr/local/bin/dswatch run -c /etc/dswatch/dswatch.yaml\n"
	unitFile = serviceName + ".service"
)

// unitDir is where the administrator's own units are, see systemd.unit(5).
const unitDir = "/etc/systemd/system"

// controlTime outlasts TimeoutStopSec of the unit.
const controlTime = 90 * time.Second

// units installs and controls the unit.
type units struct{ dir string }

func installService(exe, config string) error { return units{unitDir}.install(exe, config) }
func uninstallService() error                 { return units{unitDir}.uninstall() }
func startService() error                     { return units{unitDir}.control("start") }
func stopService() error                      { return units{unitDir}.control("stop") }

// serviceRunCommand: systemd runs the ordinary command.
func serviceRunCommand() *cobra.Command { return nil }

// unit returns the text of the unit.
func unit(exe, config string) (string, error) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"
	for _, path := range []string{exe, config} {
		if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			return "", words.Fail(words.PathInUnit.With(words.Inner(path)))
		}
	}
	return strings.Replace(unitTemplate, unitExec, "ExecStart="+exe+" run -c "+config+"\n", 1), nil
}

func (u units) install(exe, config string) error {
	text, err := unit(exe, config)
	if err != nil {
		return err
	}
	file := filepath.Join(u.dir, unitFile)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return words.Fail(words.UnitExists.With(file))
	case errors.Is(err, fs.ErrNotExist):
		return words.FailWith(err, words.NoSystemd.With(err, config))
	case err != nil:
		return words.FailWith(err, words.RunAsRoot.With(err))
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		if err = systemctl("daemon-reload"); err == nil {
			err = systemctl("enable", unitFile)
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(file)) // half an installation would block the next
	}
	return nil
}

func (u units) uninstall() error {
	if err := u.installed(); err != nil {
		return err
	}
	if err := systemctl("disable", "--now", unitFile); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(u.dir, unitFile)); err != nil {
		return words.FailWith(err, words.RunAsRoot.With(err))
	}
	return systemctl("daemon-reload")
}

func (u units) control(verb string) error {
	if err := u.installed(); err != nil {
		return err
	}
	return systemctl(verb, unitFile)
}

func (u units) installed() error {
	if _, err := os.Stat(filepath.Join(u.dir, unitFile)); err != nil {
		return words.FailWith(err, words.ServiceNotInstalled.With(err))
	}
	return nil
}

// systemctl runs systemd's own command, which asks for what rights it needs.
func systemctl(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), controlTime)
	defer cancel()
	var out bytes.Buffer
	path, err := exec.LookPath("systemctl")
	if err == nil {
		err = guard.Program{Path: path, Args: args, Stdout: &out, Stderr: &out, Terminal: true}.Run(ctx)
	}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return words.FailWith(err, words.NoSystemctl.With(err))
	case err != nil:
		said := strings.TrimSpace(string(out.Next(2000)))
		return words.FailWith(err, words.SystemctlFailed.With(strings.Join(args, " "), err, said, unitFile))
	}
	return nil
}
