package sinks_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
)

// pagerConfig is the section of a new kind of sink: the common keys and its
// own, each with a doc for the generated reference.
type pagerConfig struct {
	sinks.Settings `yaml:",inline"`

	URL setting.Secret `yaml:"url" doc:"URL of the pager; no default"`
}

func (c pagerConfig) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if _, err := sinks.ParseURL(c.URL.Reveal()); err != nil {
		return &setting.Error{Key: "url", Err: err}
	}
	return nil
}

// pager posts one clean line; sinks.HTTP classifies the answer and keeps the
// URL out of errors.
type pager struct{ http *sinks.HTTP }

func (p pager) Send(ctx context.Context, a event.Alert) error {
	_, err := p.http.Post(ctx, http.Header{"Content-Type": {"text/plain"}}, []byte(sinks.In(a.Language).Headline(a, 160)))
	return err
}

// A new kind of sink is a Config, a Send and one line in app/components.go.
// Its test calls sinktest.Run.
func ExampleNewKind() {
	kind := sinks.NewKind("pager", "Posts one line to a pager.", pagerConfig{Settings: sinks.Defaults(1)},
		func(c pagerConfig, env sinks.Env) (sinks.Sink, error) {
			h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: c.URL.Reveal(), Concurrency: c.Concurrency})
			return pager{h}, err
		})

	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such pager", http.StatusGone)
	}))
	defer far.Close()
	settings := kind.Settings().(*pagerConfig) // what the configuration loader fills
	settings.Name, settings.URL = "night", setting.Secret(far.URL+"/token-that-stays-secret")
	if err := settings.Validate(); err != nil {
		fmt.Println(err)
	}
	sink, err := kind.New(settings, sinks.Env{Name: settings.Name, Log: slog.Default()})
	if err != nil {
		fmt.Println(err)
	}
	err = sink.Send(context.Background(), event.Alert{Title: "ds_agent is down on web01"})
	fmt.Println("for the dead letters:", sinks.IsPermanent(err))
	// Output: for the dead letters: true
}
