package rules

import (
	"slices"
	"time"
)

// Shift moves every deadline by d and reports whether there was one.
func (s *Status) Shift(now time.Time, d time.Duration) (moved bool) {
	if s.Flap != nil {
		f := *s.Flap
		s.Flap = &f
		if moved = !f.Until.IsZero(); moved {
			f.Until = f.Until.Add(d)
		}
	}
	for _, name := range RuleNames() {
		slot := s.slot(name)
		if slot.Phase == Held || slot.Phase == Firing {
			moved = true
			s.own(name).shift(now, d)
		}
	}
	return moved
}

// shift moves the deadlines of a slot that nobody shares.
func (slot *Slot) shift(now time.Time, d time.Duration) {
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
	settles := slot.settles()
	move(&slot.Raised)
	move(&slot.Rated)
	move(&slot.Look)
	move(&slot.Well)
	slot.Through = slices.Clone(slot.Through)
	for i := range slot.Through {
		move(&slot.Through[i].At)
	}
	if slot.Round != nil {
		r := *slot.Round
		r.Next = slices.Clone(r.Next)
		for i := range r.Next {
			move(&r.Next[i].First)
			move(&r.Next[i].At)
		}
		slot.Round = &r
	}
	switch {
	case slot.Silence != "":
		slot.Due = now // the calendar's: it may have begun or ended
	case slot.Phase == Held:
		move(&slot.Due)
	case settles:
		slot.Due = slot.Well
	case !slot.Due.IsZero():
		slot.Due = now // partly the calendar's: see wake
	}
}
