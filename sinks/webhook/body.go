package webhook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/words"
)

// encoder makes the body that is posted.
type encoder func(sinks.Payload) ([]byte, error)

// newEncoder returns the encoder of c and its content type.
func newEncoder(c Config, env sinks.Env) (encode encoder, contentType string, err error) {
	switch {
	case c.Body != "":
		t, err := newTemplate(c.Body.Reveal(), c.ContentType, env.Link)
		if err != nil {
			return nil, "", &setting.Error{Key: "body", Err: err}
		}
		return t.encode, c.ContentType, nil
	case c.Format == formatAlertmanager:
		at := cmp.Or(c.ExternalURL, env.Page)
		return func(p sinks.Payload) ([]byte, error) {
			return marshal(alertmanager.NewNotice(p.Alert, env.Name, at, p.Link))
		}, "application/json", nil
	case c.Format == formatCloudEvents:
		return func(p sinks.Payload) ([]byte, error) { return marshal(newCloudEvent(p)) }, "application/cloudevents+json; charset=utf-8", nil
	}
	return sinks.Payload.Encode, "application/json", nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // no page of HTML will hold it
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return b.Bytes(), nil
}

// cloudEvent is the structured JSON form of CloudEvents 1.0. A replay has the
// id of what it repeats, so a consumer may drop it as a duplicate.
type cloudEvent struct {
	SpecVersion     string        `json:"specversion"`
	ID              string        `json:"id"`     // the delivery id
	Source          string        `json:"source"` // dswatch/HOST, as a URI reference
	Type            string        `json:"type"`   // dswatch.alert.TRANSITION.v1
	Subject         string        `json:"subject"`
	Time            time.Time     `json:"time"`
	DataContentType string        `json:"datacontenttype"`
	Data            sinks.Payload `json:"data"`
}

func newCloudEvent(p sinks.Payload) cloudEvent {
	p.Alert = sinks.At(p.Alert, time.UTC)
	return cloudEvent{
		SpecVersion: "1.0", ID: p.DeliveryID, Source: "dswatch/" + url.PathEscape(p.Alert.Observer),
		Type: "dswatch.alert." + string(p.Alert.Transition) + ".v1", Subject: p.Alert.Key.String(),
		Time: p.Alert.At, DataContentType: "application/json", Data: p,
	}
}

// maxBody bounds what a template makes, in bytes.
const maxBody = 256 << 10

// bodyTemplate is a body of the operator's own, by the alert's language.
type bodyTemplate struct {
	languages map[*sinks.Words]*sinks.Compiled
	json      bool
}

// newTemplate reads a template and renders a sample of every kind of alert.
// Its errors quote nothing of the template that could be a key.
func newTemplate(text, contentType string, link func(event.Alert) string) (*bodyTemplate, error) {
	t := &bodyTemplate{languages: map[*sinks.Words]*sinks.Compiled{}, json: isJSON(contentType)}
	for _, language := range []string{"en", "ja"} {
		c, err := sinks.Compile(text, language)
		if err == nil {
			err = c.Check(maxBody, t.look)
		}
		if err == nil {
			c, err = c.Linked(link)
		}
		if err != nil {
			return nil, errors.New(constants.ReplaceAllString(err.Error(), `"..."`))
		}
		t.languages[sinks.In(language)] = c
	}
	return t, nil
}

// constants are what a template or an error about it has in quotes.
var constants = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")

func (t *bodyTemplate) encode(p sinks.Payload) ([]byte, error) {
	body, err := t.languages[sinks.In(p.Alert.Language)].Render(p.Alert, maxBody)
	if err == nil {
		err = t.look(body)
	}
	if err != nil {
		return nil, words.Fail(words.TemplateFailed.With(constants.ReplaceAllString(err.Error(), `"..."`)))
	}
	return []byte(body), nil
}

// look refuses what the far end could not read.
func (t *bodyTemplate) look(body string) error {
	if t.json && !json.Valid([]byte(body)) {
		return errors.New("makes no valid JSON; write {{json .Text}} without quotes around it where a text belongs")
	}
	return nil
}

func isJSON(contentType string) bool {
	mt, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mt == "application/json" || strings.HasSuffix(mt, "+json"))
}

// keys are what could be a key of the far end's in a template: an answer that
// repeats it must not bring it into an error.
var keys = regexp.MustCompile(`[A-Za-z0-9+/=_.-]{16,}`)
