package web

import (
	"context"
	"time"

	"dswatch/event"
)

// ConfigState says which configuration is in force.
type ConfigState struct {
	Loaded time.Time `json:"loaded"`          // when it was read
	Failed time.Time `json:"failed,omitzero"` // when the last reload was refused; zero: the last one was taken
	Error  string    `json:"error,omitempty"` // why
}

// Reloaded is what a reload has changed.
type Reloaded struct {
	Changes  []string `json:"changes"`
	Warnings []string `json:"warnings"` // in English
	// WarningStatements is each of Warnings as data.
	WarningStatements []event.Said `json:"warning_statements,omitempty"`
}

// Reloader reads the configuration again. With an error nothing has changed.
type Reloader interface {
	Reload(ctx context.Context) (Reloaded, error)
}
