package bus

import (
	"testing"
)

// PretendOld makes b believe that the server is older than 2.14.
func (b *Bus) PretendOld() { b.renews.Store(false) }

// NoteFree tells the embedded server's watch how much space is free.
func (b *Bus) NoteFree(n uint64) { b.server.note(n) }

// Reserve is the free space below which nothing is accepted.
const Reserve = reserve

// Consumers is how many consumers a stream has.
func (b *Bus) Consumers(t testing.TB, stream string) int {
	t.Helper()
	i, err := b.streams[stream].Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i.State.Consumers
}

// CloseConnection ends the connection as the library does when it gives up.
func (b *Bus) CloseConnection() { b.nc().Close() }

// Health is health.
var Health = health

// NotListening is notListening.
const NotListening = notListening
