package detector

import (
	"context"
	"iter"

	"dswatch/event"
)

// Detector looks at the host once. Every item it was made for has exactly
// one observation in the answer, healthy ones too. An error means "could not
// look": the scheduler then reports every item as unknown, never as down.
// An item that could not be seen while others could is an observation with
// state unknown and a Detail that ends with the next step to take.
//
// Detect must return soon after ctx ends. It is never called twice at once.
type Detector interface {
	Detect(ctx context.Context) ([]event.Observation, error)
}

// Streamer is a Detector with so many items that their observations are not to
// be held at once. It is asked instead of Detect.
type Streamer interface {
	// Stream looks as Detect does, and returns when that is done. The
	// observations, at most one of an item, are made as they are gone through:
	// once, and before the next look.
	Stream(ctx context.Context) (iter.Seq[event.Observation], error)
}
