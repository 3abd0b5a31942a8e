package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"dswatch/app"
)

const (
	// controlTime is how long a start or a stop may take.
	controlTime = 90 * time.Second
	// stopHint is what the service manager is told a stop may take; told
	// again every second, so that it never waits for nothing.
	stopHint = 30 * time.Second
	// failed is the service-specific exit code of a run that ended with an
	// error, which the event log has.
	failed = 1
)

// serviceRunCommand is what the service manager starts. That it is the
// manager is said by this command and not guessed, because
// svc.IsWindowsService is wrong in some environments, Wine among them.
func serviceRunCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "run", Short: "Run under the service manager; it alone starts this", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := svc.Run(serviceName, handler{file}); err != nil {
				return fmt.Errorf("run as a service: %w; by hand run: dswatch run", err)
			}
			return nil
		},
	}
	configFlag(c, &file)
	return c
}

// handler is the program as the service manager sees it.
type handler struct{ file string }

// Execute is running once everything is open, and stops in order when told to.
func (h handler) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (specific bool, exit uint32) {
	changes <- svc.Status{State: svc.StartPending, WaitHint: uint32(stopHint.Milliseconds())}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opened, ended := make(chan struct{}), make(chan error, 1)
	again := make(chan struct{}, 1)
	go func() { ended <- h.watch(ctx, func() { close(opened) }, again) }()

	now := svc.Status{State: svc.StartPending}
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for {
		select {
		case <-opened:
			opened = nil
			if now.State == svc.StartPending {
				now = svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown | svc.AcceptParamChange}
				changes <- now
			}
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				changes <- r.CurrentStatus
			case svc.ParamChange: // sc control dswatch paramchange
				select {
				case again <- struct{}{}:
				default: // it is wanted already
				}
				changes <- now
			case svc.Stop, svc.Shutdown:
				cancel()
				now = svc.Status{State: svc.StopPending, WaitHint: uint32(stopHint.Milliseconds())}
				changes <- now
			}
		case <-beat.C:
			if now.State == svc.StopPending {
				now.CheckPoint++
				changes <- now
			}
		case err := <-ended:
			if err != nil {
				return true, failed
			}
			return false, 0
		}
	}
}

// watch runs the program with the event log for its log.
func (h handler) watch(ctx context.Context, opened func(), again <-chan struct{}) error {
	events, err := eventlog.Open(serviceName)
	if err != nil {
		return err // the exit code is all there is to tell it by
	}
	defer events.Close()
	l, err := load(h.file)
	if err == nil {
		err = audible(l)
	}
	if err == nil {
		stuck := newSupervisor(func(err error) {
			_ = events.Error(eventID, err.Error()+"; the process ends, so that the service manager starts it again")
			os.Exit(failed) // without a word to the manager: its recovery acts then
		})
		log, setLog := eventLogger(events, l.Config.Log)
		err = watch(ctx, watched{l, log, setLog, stuck, opened, again})
	}
	if err != nil {
		_ = events.Error(eventID, err.Error()) // nobody is left to be told
	}
	return err
}

// audible refuses a configuration whose alerts nobody would see: a Windows
// service has no standard output.
func audible(l *app.Loaded) error {
	if l.WritesOutput() {
		return errors.New("alerts would go to the standard output, which a Windows service does not have; write another sink under sinks")
	}
	return nil
}

// withManager connects to the service manager with every right.
func withManager(do func(*mgr.Mgr) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return advise(err)
	}
	defer m.Disconnect()
	return advise(do(m))
}

// withService opens the installed service.
func withService(do func(*mgr.Service) error) error {
	return withManager(func(m *mgr.Mgr) error {
		s, err := m.OpenService(serviceName)
		if err != nil {
			return err
		}
		defer s.Close()
		return do(s)
	})
}

// advise adds what to do to an error of the service manager.
func advise(err error) error {
	next := ""
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		next = "run it as an administrator"
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST):
		next = "run first: dswatch service install"
	case errors.Is(err, windows.ERROR_SERVICE_EXISTS):
		next = "run first: dswatch service uninstall"
	case errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		next = "close services.msc and whatever else has it open, and try again"
	case errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING), errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE):
		next = "there is nothing to do"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, next)
}

// installService installs with automatic start, under LocalSystem, which may
// read the path of every process.
func installService(exe, config string) (root, err error) {
	l, err := load(config)
	if err != nil {
		return nil, err
	}
	if err := audible(l); err != nil {
		return nil, usageError{err}
	}
	return nil, withManager(func(m *mgr.Mgr) error {
		s, err := m.CreateService(serviceName, exe, mgr.Config{
			StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal, DisplayName: "dswatch",
			Description: "Watches what Deep Security needs to run, and tells who must know.",
		}, "service", "run", "-c", config)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := addEventSource(); err != nil {
			return errors.Join(err, s.Delete())
		}
		restart := func(after time.Duration) mgr.RecoveryAction {
			return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: after}
		}
		const day = 24 * 60 * 60
		err = s.SetRecoveryActions([]mgr.RecoveryAction{restart(5 * time.Second), restart(30 * time.Second), restart(time.Minute)}, day)
		if err == nil {
			err = s.SetRecoveryActionsOnNonCrashFailures(true)
		}
		if err != nil { // it watches all the same
			fmt.Fprintf(os.Stderr, "warning: it will not be restarted after a failure: %v; set that in services.msc\n", err)
		}
		return nil
	})
}

// addEventSource lets the event log show what the program writes. A source
// that is left from another installation serves as well.
func addEventSource() error {
	err := eventlog.InstallAsEventCreate(serviceName, eventlog.Error|eventlog.Warning|eventlog.Info)
	if err != nil && !strings.Contains(err.Error(), "already exists") { // the package has no error value for it
		return fmt.Errorf("add the source %s to the event log: %w", serviceName, err)
	}
	return nil
}

func uninstallService() error {
	return withService(func(s *mgr.Service) error {
		if err := stop(s); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
			return err
		}
		if err := s.Delete(); err != nil {
			return err
		}
		if err := eventlog.Remove(serviceName); err != nil && !errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
			return fmt.Errorf("remove the source %s from the event log: %w", serviceName, err)
		}
		return nil
	})
}

func startService() error {
	return withService(func(s *mgr.Service) error {
		if err := s.Start(); err != nil {
			return err
		}
		st, err := await(s, svc.Running)
		if err == nil && st.State == svc.Stopped {
			err = fmt.Errorf("it ended again (exit code %d, %d); see the source %s in the event log, or run by hand: dswatch run", st.Win32ExitCode, st.ServiceSpecificExitCode, serviceName)
		}
		return err
	})
}

func stopService() error { return withService(stop) }

func stop(s *mgr.Service) error {
	if _, err := s.Control(svc.Stop); err != nil {
		return err
	}
	_, err := await(s, svc.Stopped)
	return err
}

// await waits until the service is in the state want, or has stopped.
func await(s *mgr.Service, want svc.State) (svc.Status, error) {
	for end := time.Now().Add(controlTime); ; time.Sleep(50 * time.Millisecond) {
		st, err := s.Query()
		if err != nil || st.State == want || st.State == svc.Stopped {
			return st, err
		}
		if time.Now().After(end) {
			return st, fmt.Errorf("it is still in the state %d after %s; see sc.exe query %s", st.State, controlTime, serviceName)
		}
	}
}
