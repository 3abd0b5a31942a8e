package facts

import (
	"context"
	"fmt"
	"time"

	"dswatch/event"
)

// Sessions tells whether a user is logged on, on Windows: what is started at
// logon is not missing before.
type Sessions struct{}

// Facts tells nothing on other systems.
func (Sessions) Facts(context.Context) (event.Facts, error) {
	state, err := sessions()
	if err != nil {
		return nil, fmt.Errorf("find out whether a user is logged on: %w; declare sessions in watch.facts", err)
	}
	if state == "" {
		return nil, nil
	}
	return event.Facts{event.Sessions: {Value: state, Origin: "logons", At: time.Now()}}, nil
}
