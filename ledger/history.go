package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"dswatch/bus"
	"dswatch/sinks"
)

// historySize bounds the record of one sink's attempts, well under the
// megabyte that a NATS server takes as one message.
const historySize = 256 << 10

// Attempts keeps the attempts of one sink in a record beside its receipts. No
// name of a sink has a slash, so its key is no page of receipts. It implements
// sinks.History.
type Attempts struct {
	bucket *bus.Bucket
	sink   string
}

func (h Attempts) key() string { return "attempts/" + h.sink }

// Load implements sinks.History.
func (h Attempts) Load(ctx context.Context) ([]sinks.Attempts, error) {
	data, _, err := h.bucket.Get(ctx, h.key())
	if errors.Is(err, bus.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []sinks.Attempts
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("decode attempts: %w", err)
	}
	return out, nil
}

// Store implements sinks.History.
func (h Attempts) Store(ctx context.Context, as []sinks.Attempts) error {
	for {
		data, err := json.Marshal(as)
		if err != nil {
			return fmt.Errorf("encode attempts: %w", err)
		}
		if len(data) <= historySize || len(as) == 0 {
			_, err = h.bucket.Put(ctx, h.key(), data)
			return err
		}
		as = as[:len(as)/2] // those at the end were tried longest ago
	}
}
