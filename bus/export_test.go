package bus

import "time"

// PretendOld makes b believe that the server is older than 2.14.
func (b *Bus) PretendOld() { b.renews = false }

// NoteFree tells the embedded server's watch how much space is free.
func (b *Bus) NoteFree(n uint64) { b.server.note(n) }

// SetPatience shortens the time after which a silent server counts as failed.
func (b *Bus) SetPatience(d time.Duration) { b.pub.quiet = d }

// Reserve is the free space below which nothing is accepted.
const Reserve = reserve
