package engine

import (
	"fmt"
	"strings"

	"dswatch/event"
	"dswatch/setting"
)

// admit says why nothing that is told of a host counts; nil: it does. Nobody
// may write, by a name that was made to have the same token, into what is known
// of another host.
func (e *Engine) admit(name string) error {
	if e.named[name] != nil {
		return nil
	}
	if h := e.hosts[event.Token(name)]; h != nil && h.called != strings.ToLower(name) {
		return fmt.Errorf("host %q has the token of %q, which was known before", setting.Clip(name), setting.Clip(h.called))
	}
	return nil
}

// admitEvent is admit for an event.
func (e *Engine) admitEvent(ev *event.Event) error {
	if err := e.admit(ev.Observer); err != nil {
		return err
	}
	return e.admit(ev.Key().Host)
}

// admitReport is admit for what is known about a host.
func (e *Engine) admitReport(r *event.FactsReport) error {
	if err := e.admit(r.Observer); err != nil {
		return err
	}
	return e.admit(r.Host)
}
