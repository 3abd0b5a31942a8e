package facts

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"
)

// removalOf reads what wevtutil prints for installerQuery, events one after
// another, and returns when the newest removal of a product whose name begins
// with name succeeded. EventData holds name, version, language, status (0 is
// success) and manufacturer, in this order.
func removalOf(r io.Reader, name string) (time.Time, bool) {
	d := xml.NewDecoder(io.LimitReader(r, maxInstallerLog))
	for {
		var e struct {
			ID   int `xml:"System>EventID"`
			Time struct {
				System string `xml:"SystemTime,attr"`
			} `xml:"System>TimeCreated"`
			Data []string `xml:"EventData>Data"`
		}
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) || err != nil {
			return time.Time{}, false // damaged from here on: what is not read proves nothing
		}
		if e.ID != 1034 || len(e.Data) < 4 || !strings.HasPrefix(strings.ToLower(e.Data[0]), strings.ToLower(name)) || strings.TrimSpace(e.Data[3]) != "0" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, e.Time.System)
		return at, err == nil
	}
}

// maxInstallerLog bounds in bytes what is read of the log.
const maxInstallerLog = 1 << 20
