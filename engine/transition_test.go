package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// on runs do with an engine in a bubble of its own time.
func on(t *testing.T, name string, set *rules.Set, do func(s *stage)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, set)
			defer func() { s.stop() }()
			do(s)
		})
	})
}

var passing = &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Hour, Transition: 5 * time.Minute}, Language: "en"}

func TestTransition(t *testing.T) {
	const old, boot = "agent_version=20.0.1-100", "boot_time=2026-11-01T00:00:00Z"
	host := []string{"os=linux", "components=agent", "features.anti_malware=on"}
	facts := func(s *stage, pairs ...string) { s.facts(append(pairs, host...)...) }
	begin := func(s *stage) { facts(s, old, boot); s.see("process/ds_agent=up", "process/ds_am=up") }
	const lost, back = "raised loss process/ds_am down protection_lost", "cleared loss process/ds_am up protection_lost"
	on(t, "upgrade, all comes back", passing, func(s *stage) {
		begin(s)
		s.see("process/ds_agent=down", "process/ds_am=down")
		s.wait(10 * time.Second)
		facts(s, "agent_version=20.0.2-200", boot)
		s.wait(4 * time.Minute)
		s.see("process/ds_agent=up", "process/ds_am=up")
		s.wait(time.Hour)
		s.want()
	})
	on(t, "a package manager at work, and a version that comes late", passing, func(s *stage) {
		begin(s)
		s.see("process/ds_agent=down", "process/ds_am=down")
		s.wait(10 * time.Second)
		facts(s, old, boot, "installing=dpkg")
		s.wait(4 * time.Minute)
		facts(s, "agent_version=20.0.2-200", boot)
		s.wait(2 * time.Minute)
		s.see("process/ds_agent=up", "process/ds_am=up")
		s.wait(time.Hour)
		s.want()
		s.see("process/ds_am=down") // afterwards a loss is told as ever
		s.wait(time.Minute)
		s.want(lost)
	})
	on(t, "a package manager that never ends", passing, func(s *stage) {
		begin(s)
		facts(s, old, boot, "installing=rpm")
		s.see("process/ds_am=down")
		for range 4 {
			s.wait(time.Minute)
			facts(s, old, boot, "installing=rpm")
		}
		s.wait(59 * time.Second)
		s.want()
		s.wait(2 * time.Second)
		s.want(lost)
	})
	on(t, "reboot, one stays lost", passing, func(s *stage) {
		begin(s)
		facts(s, old, "boot_time=2026-11-22T00:00:00Z")
		s.see("process/ds_agent=down", "process/ds_am=down")
		s.wait(time.Minute)
		s.see("process/ds_agent=up")
		s.wait(3*time.Minute + 59*time.Second)
		s.want()
		s.wait(2 * time.Second)
		s.want(lost)
		s.see("process/ds_am=up")
		s.want(back)
	})
	on(t, "the same boot, read again", passing, func(s *stage) {
		begin(s)
		facts(s, old, "boot_time=2026-11-01T00:00:02Z")
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.want(lost)
	})
	on(t, "the same version, spelled otherwise", passing, func(s *stage) {
		begin(s)
		facts(s, "agent_version=20.0.1.100", boot)
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.want(lost)
	})
	on(t, "a version that was not known meanwhile", passing, func(s *stage) {
		begin(s)
		facts(s, boot)
		facts(s, "agent_version=20.0.2-200", boot)
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.want()
	})
	on(t, "changes again and again", passing, func(s *stage) {
		begin(s)
		facts(s, "agent_version=20.0.2-1", boot)
		s.see("process/ds_am=down")
		for i := range 4 { // at 2, 4, 6 and 8 minutes
			s.wait(2 * time.Minute)
			facts(s, "agent_version=20.0.2-"+string(rune('2'+i)), boot)
		}
		s.wait(time.Minute + 58*time.Second)
		s.want()
		s.wait(3 * time.Second)
		s.want(lost)
	})
	on(t, "through restarts", passing, func(s *stage) {
		begin(s)
		facts(s, "agent_version=20.0.2-200", boot)
		s.restart()
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.restart()
		s.wait(3 * time.Minute)
		s.want()
		s.restart()
		s.wait(2 * time.Minute)
		s.want(lost)
	})
	on(t, "what was told before stays", passing, func(s *stage) {
		begin(s)
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.want(lost)
		facts(s, "agent_version=20.0.2-200", boot)
		s.wait(time.Minute)
		s.see("process/ds_am=up")
		s.want(back)
	})
	off := *passing
	off.Transition = 0
	on(t, "switched off", &off, func(s *stage) {
		begin(s)
		facts(s, "agent_version=20.0.2-200", boot)
		s.see("process/ds_am=down")
		s.wait(time.Minute)
		s.want(lost)
	})
	on(t, "restarts are not counted as flapping", func() *rules.Set {
		set := *passing
		set.Flap = rules.FlapSettings{Changes: 4, Window: time.Hour, Settle: time.Minute}
		return &set
	}(), func(s *stage) {
		begin(s)
		facts(s, "agent_version=20.0.2-200", boot)
		for range 5 {
			s.see("process/ds_am=down")
			s.wait(time.Second)
			s.see("process/ds_am=up")
			s.wait(time.Second)
		}
		s.wait(time.Hour)
		s.want()
	})
}

func TestSilentHost(t *testing.T) {
	set := &rules.Set{Settings: rules.Settings{Hold: 20 * time.Second, Patience: time.Hour, Silent: 10 * time.Minute}, Language: "en"}
	const silent, again = "raised unknown host/web01 unknown visibility_lost", "cleared unknown host/web01 up visibility_lost"
	far := event.Key{Host: "web01", Component: event.Agent, Kind: event.Port, Name: "4118/tcp"}
	begin := func(s *stage) {
		s.facts("os=linux", "components=agent", "communication=bidirectional")
		s.see("process/ds_agent=up")
	}
	on(t, "falls silent and comes back", set, func(s *stage) {
		begin(s)
		for range 5 {
			s.wait(5 * time.Minute)
			s.see("process/ds_agent=up")
		}
		s.wait(9 * time.Minute)
		s.want()
		s.wait(3 * time.Minute)
		s.w.deliver()
		if got := s.w.got["nms"]; len(got) != 1 || got[0].Title != "web01: nothing is heard from its dswatch" || got[0].Confirm == "" || got[0].Key.String() != "web01/dswatch/host/web01" {
			t.Errorf("told %+v", got)
		}
		s.want(silent)
		s.see("process/ds_agent=up")
		s.want(again)
	})
	on(t, "one of its items is forgotten", set, func(s *stage) {
		begin(s)
		s.see("process/ds_am=up")
		gone := event.Key{Host: "web01", Component: event.Agent, Kind: event.Process, Name: "ds_am"}
		b, err := event.NewState("web01", event.Gone, event.Observation{Key: gone, State: event.Unknown, Want: 1, At: s.w.wall()}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.w.publish(b)
		s.w.ahead.Add(int64(8 * 24 * time.Hour))
		for range 36 {
			s.wait(5 * time.Minute)
			s.see("process/ds_agent=up")
		}
		if n := s.w.engine.Count(); n != 2 {
			t.Errorf("%d items are kept, want the process and the host itself", n)
		}
		s.want()
		s.wait(11 * time.Minute)
		s.want(silent)
		s.see("process/ds_agent=up")
		s.want(again)
	})
	on(t, "a loss stays open meanwhile", set, func(s *stage) {
		begin(s)
		s.see("process/ds_agent=down")
		s.wait(time.Minute)
		s.want("raised loss process/ds_agent down management_lost")
		s.wait(30 * time.Minute)
		s.want(silent)
		s.see("process/ds_agent=up")
		s.want(again, "cleared loss process/ds_agent up management_lost")
	})
	on(t, "through restarts", set, func(s *stage) {
		begin(s)
		s.wait(8 * time.Minute)
		s.restart() // nobody listened, so the time begins anew
		s.wait(8 * time.Minute)
		s.want()
		s.wait(5 * time.Minute)
		s.want(silent)
		s.restart()
		s.wait(time.Hour)
		s.want()
		s.see("process/ds_agent=up")
		s.want(again)
	})
	for name, by := range map[string]time.Duration{"the clock is set forward a day": 24 * time.Hour, "the clock is set back an hour": -time.Hour} {
		on(t, name, set, func(s *stage) {
			begin(s)
			s.wait(5 * time.Minute)
			s.w.ahead.Add(int64(by))
			s.wait(4 * time.Minute)
			s.want()
			s.wait(4 * time.Minute)
			s.want(silent)
			s.see("process/ds_agent=up")
			s.want(again)
		})
	}
	on(t, "it is the cause of what others see of it", set, func(s *stage) {
		begin(s)
		other := func(state event.State) {
			b, err := event.NewState("hub", event.Change, event.Observation{Key: far, State: state, Want: 1, At: time.Now()}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			s.w.publish(b)
			synctest.Wait()
		}
		for range 12 {
			other(event.Up)
			s.wait(time.Minute)
		}
		s.want(silent)
		other(event.Down)
		s.wait(time.Minute)
		s.want()
		s.see("process/ds_agent=up")
		s.want("cleared unknown host/web01 up visibility_lost +port/4118/tcp")
		s.wait(time.Minute)
		s.want("raised loss port/4118/tcp down management_lost")
	})
	on(t, "switched off while it is open", set, func(s *stage) {
		begin(s)
		s.wait(20 * time.Minute)
		s.want(silent)
		off := *set
		off.Silent = 0
		s.set = &off
		s.restart()
		s.wait(time.Hour)
		s.want("cleared unknown host/web01 unknown visibility_lost")
	})
}
