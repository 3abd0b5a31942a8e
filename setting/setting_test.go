package setting_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"dswatch/setting"
)

func TestSecretIsNeverShown(t *testing.T) {
	s := setting.Secret("hunter2")
	type holder struct{ S setting.Secret }
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "h", holder{s})
	j, _ := json.Marshal(holder{s})
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q %s", holder{s}, holder{s}, holder{s}, s, s), string(j), log.String()} {
		if strings.Contains(out, "hunter2") || !strings.Contains(out, "[redacted]") {
			t.Errorf("shown as %s", out)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]setting.Size{"64KiB": 65536, "10MB": 10e6, "1472B": 1472, "1.5KiB": 1536, "2 GiB": 2 << 30, "0B": 0} {
		var s setting.Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q = %d, %v; want %d", in, s, err, want)
			continue
		}
		var back setting.Size
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%q was written as %q and read as %d, %v", in, s, back, err)
		}
	}
	for _, bad := range []string{"", "12", "-1KB", "xMB", "9999999999999TB", "NaNMB"} {
		var s setting.Size
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was accepted as %d", bad, s)
		}
	}
}
