package alertmanager

import (
	"maps"
	"time"

	"github.com/prometheus/common/model"

	"dswatch/event"
	"dswatch/sinks"
)

// Notice is what Alertmanager posts to a webhook receiver, version 4, for
// one firing: its route groups by every label but severity.
type Notice struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"` // firing while any alert of it is
	Alerts            []Noticed         `json:"alerts"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   uint64            `json:"truncatedAlerts"`
}

// Noticed is one alert of a Notice.
type Noticed struct {
	Status       string            `json:"status"` // firing or resolved
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // zero while it fires
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

const (
	statusFiring   = "firing"
	statusResolved = "resolved"
)

// NewNotice returns the Notice of a, as an Alertmanager at externalURL would
// tell its receiver; link is the address of its page, if any. Labels and annotations are those that this sink posts.
// Once the severity may have changed, what stands under the others is
// resolved with it: to a receiver, another severity is another alert.
func NewNotice(a event.Alert, receiver, externalURL, link string) Notice {
	a = sinks.Tidy(a)
	one := Noticed{Status: statusFiring, Labels: labels(a, nil), Annotations: annotations(a), StartsAt: a.StartedAt.UTC(), GeneratorURL: link}
	over := one
	over.Status, over.EndsAt = statusResolved, a.At.UTC()
	if a.Transition == event.Cleared {
		if !a.EndedAt.IsZero() {
			over.EndsAt = a.EndedAt.UTC()
		}
		one = over
	}
	group := maps.Clone(one.Labels)
	delete(group, "severity")
	n := Notice{
		Receiver: receiver, Status: one.Status, Alerts: []Noticed{one},
		GroupLabels: group, CommonLabels: one.Labels, CommonAnnotations: one.Annotations,
		ExternalURL: externalURL, Version: "4", GroupKey: "{}:" + labelSet(group).String(),
	}
	if a.Transition == event.Changed || a.Transition == event.Cleared && a.Seq > 2 {
		n.CommonLabels = group
		for _, other := range event.Severities() {
			if other == a.Severity {
				continue
			}
			p := over
			p.Labels = maps.Clone(over.Labels)
			p.Labels["severity"] = string(other)
			n.Alerts = append(n.Alerts, p)
		}
	}
	for i := range n.Alerts {
		n.Alerts[i].Fingerprint = labelSet(n.Alerts[i].Labels).Fingerprint().String()
	}
	return n
}

func labelSet(labels map[string]string) model.LabelSet {
	s := make(model.LabelSet, len(labels))
	for k, v := range labels {
		s[model.LabelName(k)] = model.LabelValue(v)
	}
	return s
}
