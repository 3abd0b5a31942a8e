package facts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dswatch/guard"
)

// maxOutput bounds what one command may answer, in bytes. A real answer of
// dsa_query is under 10 KB, one of rpm under 100 bytes.
const maxOutput = 1 << 20

// command is a program with fixed arguments. No shell and nobody's
// environment stand between it and what is written here.
type command struct {
	path    string
	args    []string
	timeout time.Duration
}

// run starts the command and waits, at most timeout and a second more. What
// it wrote comes also beside an error about its exit status.
func (c command) run(ctx context.Context) (output, complaint []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, errs := &bounded{most: maxOutput, full: cancel}, &bounded{most: 4 << 10, full: func() {}}
	err = guard.Program{Path: c.path, Args: c.args, Stdout: out, Stderr: errs}.Run(ctx)
	switch {
	case out.over:
		return nil, nil, fmt.Errorf("it answered more than %d bytes", maxOutput)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return out.buf.Bytes(), errs.buf.Bytes(), fmt.Errorf("no answer within %s", c.timeout)
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	}
	return out.buf.Bytes(), errs.buf.Bytes(), err
}

// bounded keeps the first most bytes and calls full once there are more.
type bounded struct {
	buf  bytes.Buffer
	most int
	over bool
	full func()
}

func (b *bounded) Write(p []byte) (int, error) {
	left := b.most - b.buf.Len()
	b.buf.Write(p[:min(left, len(p))])
	if len(p) > left && !b.over {
		b.over = true
		b.full()
	}
	return len(p), nil
}

// said returns the first line of what a command complained about or, if it
// did not, answered.
func said(output, complaint []byte) string {
	if line := firstLine(complaint); line != "" {
		return line
	}
	return firstLine(output)
}

// firstLine returns the first line that is not empty, as safe text of at most
// 100 bytes or so.
func firstLine(b []byte) string {
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return quote(string(line))
		}
	}
	return ""
}

// quote makes hostile text short and harmless inside an error.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
