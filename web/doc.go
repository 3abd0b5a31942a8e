// Package web is the local HTTP interface of a running dswatch: health,
// metrics, and the API that the commands use.
//
// It promises that everything but health and metrics needs the token, that
// requests with a foreign Host header are refused (so that no page in a
// browser can reach the API by DNS rebinding), that request bodies are
// bounded, and that no answer holds a secret.
//
// It decides nothing: what it shows and does is given to it by the app.
package web
