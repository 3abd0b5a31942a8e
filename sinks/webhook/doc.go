// Package webhook posts each transition of an alert to a URL.
//
// It promises that the body follows docs/webhook.schema.json (version "1":
// fields are added, never renamed or given another meaning), or is what
// Alertmanager posts to its receivers (version 4), or a CloudEvent 1.0 in
// structured JSON, or what the operator's template makes; that the
// Idempotency-Key and webhook-id headers are the same for every attempt at
// one transition, that with a secret every request is signed after the
// Standard Webhooks specification 1.0 (webhook-id, webhook-timestamp,
// webhook-signature), that texts in the body are clean (see sinks.Line) and
// bounded, and that no redirect is followed.
//
// A 2xx answer is acceptance, whatever its body says. It does not promise
// that two transitions of different items arrive in order.
package webhook
