package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
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
			return "", fmt.Errorf("%q has characters that mean something in a unit; move it to a path of letters, digits and / . _ - + @", path)
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
		return fmt.Errorf("%s is there already; run first: dswatch service uninstall", file)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; this host has no systemd: let its own init system run dswatch run -c %s", err, config)
	case err != nil:
		return fmt.Errorf("%w; run it as root", err)
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
		return fmt.Errorf("%w; run it as root", err)
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
		return fmt.Errorf("it is not installed: %w; run first: dswatch service install", err)
	}
	return nil
}

// systemctl runs systemd's own command, which asks for what rights it needs.
func systemctl(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), controlTime)
	defer cancel()
	c := exec.CommandContext(ctx, "systemctl", args...)
	c.WaitDelay = time.Second
	out, err := c.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w; on a host without systemd let its own init system run: dswatch run -c FILE", err)
	case err != nil:
		said := strings.TrimSpace(string(out[:min(len(out), 2000)]))
		return fmt.Errorf("systemctl %s: %w: %s; see systemctl status %s", strings.Join(args, " "), err, said, unitFile)
	}
	return nil
}
