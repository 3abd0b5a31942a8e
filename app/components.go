package app

import (
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/sinks/slack"
	"dswatch/sinks/snmp"
	"dswatch/sinks/stdout"
	"dswatch/sinks/syslog"
	"dswatch/sinks/teams"
	"dswatch/sinks/webhook"
)

// SinkKinds lists every kind of sink.
func SinkKinds() []sinks.Kind {
	return []sinks.Kind{snmp.Kind(), syslog.Kind(), slack.Kind(), teams.Kind(), webhook.Kind(), alertmanager.Kind(), stdout.Kind()}
}
