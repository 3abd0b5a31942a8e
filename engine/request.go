package engine

import "context"

// request is what somebody wants of the engine. It is served between two
// steps, and answered when what it brought about is stored and sent.
type request struct {
	serve func(context.Context) error // what it returns is why it is refused
	done  chan<- error
}

// ask hands a request to the loop and waits for the answer.
func (e *Engine) ask(ctx context.Context, serve func(context.Context) error) error {
	done := make(chan error, 1)
	select {
	case e.requests <- request{serve, done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve is the step that a request is.
func (e *Engine) serve(ctx context.Context, q request) {
	e.keepTime()
	e.owed.Answers = append(e.owed.Answers, answer{q.done, q.serve(ctx)})
}
