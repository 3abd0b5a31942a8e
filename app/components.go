package app

import (
	"dswatch/detector"
	"dswatch/detector/driver"
	"dswatch/detector/manager"
	"dswatch/detector/port"
	"dswatch/detector/process"
	"dswatch/detector/remote"
	"dswatch/detector/service"
	"dswatch/detector/vsphere"
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/sinks/email"
	"dswatch/sinks/slack"
	"dswatch/sinks/snmp"
	"dswatch/sinks/stdout"
	"dswatch/sinks/syslog"
	"dswatch/sinks/teams"
	"dswatch/sinks/webhook"
)

// AllKinds lists every kind of detector and of sink, in the order in which
// people read them.
func AllKinds() Kinds {
	return Kinds{
		Detectors: []detector.Kind{process.Kind(), service.Kind(), driver.Kind(), port.Kind(), remote.Kind(), vsphere.Kind(), manager.Kind()},
		Sinks:     []sinks.Kind{snmp.Kind(), syslog.Kind(), slack.Kind(), teams.Kind(), email.Kind(), webhook.Kind(), alertmanager.Kind(), stdout.Kind()},
	}
}
