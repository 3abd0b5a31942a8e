package detector

import (
	"context"

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
