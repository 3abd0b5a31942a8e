package facts

import (
	"errors"

	"dswatch/words"
)

// HelperSocket is where the helper of this host is asked.
const HelperSocket = "/run/dswatch-helper.sock"

// HelperUser is the user, beside root, to whom the helper answers.
const HelperUser = "dswatch"

// unhelped is the error that no helper answers.
type unhelped struct{ error }

// Unwrap returns what it says as data.
func (u *unhelped) Unwrap() error { return u.error }

// noHelper returns that error. It does not wrap err: a socket that is not there
// says nothing of the agent's program.
func noHelper(socket string, err error) error {
	return &unhelped{words.Fail(words.NoHelper.With(socket, err))}
}

// lackOf is the unhelped in err, nil where there is none.
func lackOf(err error) *unhelped {
	u, _ := errors.AsType[*unhelped](err)
	return u
}
