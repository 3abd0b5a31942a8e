package app

import (
	"context"
	"log/slog"

	"dswatch/bus"
	"dswatch/guard"
)

// Stored is what a check of a stopped message store found.
type Stored struct {
	Streams []bus.Checked `json:"streams"`
	Lost    uint64        `json:"lost"`           // messages, of all streams
	Kept    string        `json:"kept,omitempty"` // where the store as it was is, after a repair
}

// CheckStore looks at a copy of the message store of a configuration, repaired;
// with repair, the copy takes the store's place.
func CheckStore(ctx context.Context, l *Loaded, log *slog.Logger, repair bool) (out Stored, err error) {
	if err := guard.Become(l.Config.Bus.Dir); err != nil {
		return out, err
	}
	if repair {
		out.Streams, out.Kept, err = bus.RepairStore(ctx, l.Config.Bus, log)
	} else {
		out.Streams, err = bus.CheckStore(ctx, l.Config.Bus, log)
	}
	for _, s := range out.Streams {
		out.Lost += s.Lost
	}
	return out, err
}
