// Package alertmanager posts each transition of an alert to the API v2 of
// Prometheus Alertmanager, which then groups, silences and routes it.
//
// It promises:
//
//   - The labels of one item and rule never change but for severity, so that
//     a resolve meets its firing: alertname (dswatch_ and the rule), host,
//     component, kind, name, rule, severity, test="true" for a test, and the
//     configured ones. All that may change while an alert is open (state, os,
//     versions, texts) is an annotation. When the severity may have changed,
//     the same post ends the alert under the other severities.
//   - Alertmanager does not resolve an open alert by itself while it is told
//     again within ends_after: every firing carries an endsAt that far ahead,
//     so resolve_timeout does not apply. A repetition that comes
//     less than 10m before ends_after is refused by the program; with
//     `rules.repeat: 0s`, once somebody has acknowledged the alert, and for an
//     item that nobody can observe any more, ends_after is the longest life of
//     an alert at that end.
//   - A resolve is dated five minutes before it happened, and so is the start
//     of a shorter alert (the annotation ended_at has the exact time):
//     Alertmanager forgets a resolve whose endsAt its own clock has not
//     reached, and nobody would send it again. So this host's clock may run
//     ahead by up to five minutes, not by more.
//
// Labels carry no alert id, so one item's firings are one alert to
// Alertmanager, and the end of an earlier one that was replayed from the dead
// letters would end the one that is open: it is kept there (ByItem).
//
// Several urls are the members of one cluster: all are told, and one that
// accepts is success, as for Prometheus. A member that was down learns of an
// alert when it is told again; one that missed a resolve keeps the alert
// until ends_after. Where every Alertmanager must be told for certain, make
// it a sink of its own.
//
// It does not promise that an alert survives a restart of Alertmanager, which
// keeps open alerts in memory only: they come back when they are told again
// (rules.repeat).
package alertmanager
