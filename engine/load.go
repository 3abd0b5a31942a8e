package engine

import (
	"context"
	"fmt"
	"strings"
)

// stored is one record of the statuses as it was read.
type stored struct {
	Record
	it  *item // with the status; nil: the record is that of a digest
	err error // the status cannot be read
}

// read calls each with every stored status in order. Reading, decoding and
// what each does go on at the same time: 200,000 items are waited for.
func (e *Engine) read(ctx context.Context, each func(stored)) error {
	const most = 256 // in one batch
	records, decoded := make(chan []stored, 4), make(chan []stored, 4)
	var failed error
	go func() {
		defer close(records)
		var batch []stored
		failed = e.Statuses.Load(ctx, func(r Record) error {
			if batch = append(batch, stored{Record: r}); len(batch) == most {
				records <- batch
				batch = make([]stored, 0, most)
			}
			return nil
		})
		records <- batch
	}()
	go func() {
		defer close(decoded)
		for batch := range records {
			for i := range batch {
				batch[i].decode()
			}
			decoded <- batch
		}
	}()
	for batch := range decoded {
		e.Alive()
		for _, r := range batch {
			each(r)
		}
	}
	return failed
}

func (r *stored) decode() {
	if strings.HasPrefix(r.Key, DigestPrefix) {
		return
	}
	r.it = &item{index: -1}
	if r.err = r.it.status.Decode(r.Value); r.err == nil {
		shareStatus(&r.it.status)
	}
	if r.err == nil {
		r.Value = nil
	}
}

// Asider is a store that keeps the bytes of a record that cannot be read.
type Asider interface {
	Aside(key string, value []byte, why error)
}

// unreadable is a record that does not count.
type unreadable struct {
	in  Store
	rec Record
	why error
}

// setAside takes records that cannot be read out of their stores: what is
// known of the same key later could not be stored over them.
func (e *Engine) setAside(ctx context.Context, all []unreadable) error {
	for _, u := range all {
		a, ok := u.in.(Asider)
		if !ok {
			continue
		}
		a.Aside(u.rec.Key, u.rec.Value, u.why)
		if _, err := u.in.Save(ctx, []Record{{Key: u.rec.Key, Revision: u.rec.Revision, Delete: true}}); err != nil {
			return fmt.Errorf("set record %s aside: %w", u.rec.Key, err)
		}
	}
	return nil
}
