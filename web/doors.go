package web

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Off as web.socket: there is none.
const Off = "off"

// socketName is the socket's name in the folder where nothing else is configured.
const socketName = "api.sock"

// SystemSocket is where the service that systemd runs listens, whose runtime
// directory has its name.
const SystemSocket = "/run/dswatch/" + socketName

// Sockets are where a process may listen that runs with this configuration and
// bus.dir, the likeliest first.
func Sockets(c Config, dir string) []string {
	switch {
	case c.Socket == Off:
		return nil
	case c.Socket != "":
		return []string{c.Socket}
	case dir == "":
		return []string{SystemSocket}
	}
	return []string{filepath.Join(dir, socketName), SystemSocket}
}

// DirHeader is a request's header that names the bus.dir that is meant: another
// process refuses it.
const DirHeader = "Dswatch-Dir"

// againAfter is how long is waited before an address that is taken is tried again.
const againAfter = 10 * time.Second

// Door is an address that the process listens at, or would.
type Door struct {
	Address string    `json:"address"`
	Closed  time.Time `json:"closed_since,omitzero"` // zero: it listens
	Error   string    `json:"error,omitempty"`
	// ErrorStatements is Error as data.
	ErrorStatements event.Said `json:"error_statements,omitzero"`
}

// door listens at one address, and tries until it does.
type door struct {
	open func() (net.Listener, error)

	mu       sync.Mutex
	shown    Door
	listener net.Listener
	err      error
}

// try listens, and reports whether that was so.
func (d *door) try() bool {
	l, err := d.open()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err = err; err != nil {
		if d.shown.Closed.IsZero() {
			d.shown.Closed = time.Now()
		}
		p := ProblemOf(err)
		d.shown.Error, d.shown.ErrorStatements = p.Error, p.Statements
		return false
	}
	d.listener, d.shown = l, Door{Address: d.shown.Address}
	return true
}

func (d *door) state() (Door, net.Listener, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shown, d.listener, d.err
}

// doors are those of a configuration.
func (s *Server) openDoors() {
	if s.Config.Listen != "" {
		s.doors = append(s.doors, &door{shown: Door{Address: s.Config.Listen}, open: func() (net.Listener, error) {
			l, err := net.Listen("tcp", s.Config.Listen)
			if err != nil {
				return nil, words.FailWith(err, words.ListenAPI.With(err))
			}
			return l, nil
		}})
	}
	if path := socketOf(s.Config, s.Dir); path != "" {
		s.doors = append(s.doors, &door{shown: Door{Address: path}, open: func() (net.Listener, error) {
			l, err := listenUnix(path)
			if err != nil {
				return nil, words.FailWith(err, words.ListenSocket.With(err))
			}
			return l, nil
		}})
	}
	for _, d := range s.doors {
		if d.try() {
			s.serve(d)
			continue
		}
		_, _, err := d.state()
		s.Log.Warn("an address of the local api cannot be listened at; it is tried again every 10 s", "address", d.shown.Address, "error", err)
		go s.tryOn(d)
	}
}

// tryOn tries until the door opens or the server stops.
func (s *Server) tryOn(d *door) {
	for {
		select {
		case <-s.stopped:
			return
		case <-time.After(againAfter):
		}
		if d.try() {
			s.Log.Info("the local api listens now", "address", d.shown.Address)
			s.serve(d)
			return
		}
	}
}

// serve answers at an open door; of TCP the commands are told.
func (s *Server) serve(d *door) {
	_, l, _ := d.state()
	if l.Addr().Network() == "tcp" {
		s.Announce()
	}
	go func() {
		if err := s.http.Serve(l); err != http.ErrServerClosed {
			s.Log.Error("the local api stopped", "address", l.Addr().String(), "error", err)
		}
	}()
}

// Announce tells the commands where TCP is listened at, which the configuration
// may not say any more.
func (s *Server) Announce() {
	if s.Dir == "" || s.Addr() == "" {
		return
	}
	if err := SetAddress(s.Dir, s.Addr()); err != nil && !os.IsNotExist(err) {
		s.Log.Warn("the commands find this process at web.listen only", "error", err)
	}
}

// Return takes back the names that another server of this process has taken and
// left.
func (s *Server) Return() {
	s.Announce()
	for _, d := range s.doors {
		if _, l, _ := d.state(); l != nil && lostName(l) && d.try() {
			s.serve(d)
		}
	}
}

// Fault is why TCP is not listened at; nil: it is, or is not to be.
func (s *Server) Fault() error {
	if s.Config.Listen == "" {
		return nil
	}
	_, _, err := s.doors[0].state()
	return err
}

// Doors are all addresses of the API.
func (s *Server) Doors() (all []Door) {
	for _, d := range s.doors {
		shown, _, _ := d.state()
		all = append(all, shown)
	}
	return all
}

// Addr is the TCP address that is listened at; empty: none is.
func (s *Server) Addr() string {
	for _, d := range s.doors {
		if _, l, _ := d.state(); l != nil && l.Addr().Network() == "tcp" {
			return l.Addr().String()
		}
	}
	return ""
}

// mayDo refuses what the visitor may not do; nil: it may.
func mayDo(r *http.Request) error {
	who, _ := r.Context().Value(visitorKey{}).(visitor)
	switch {
	case who == ruler, who == reader && (r.Method == http.MethodGet || forReaders[r.Pattern]):
		return nil
	case who == reader:
		return words.Fail(words.ReadersOnly.With(Group))
	}
	return words.Fail(words.PeerRefused.With(Group))
}

// forReaders are the requests other than GET that a reader may make: to list, and
// to acknowledge.
var forReaders = map[string]bool{
	"POST /api/v1/deadletters":              true,
	"POST /api/v1/alerts/{id}/ack":          true,
	"POST /api/v1/alerts/{id}/ack/withdraw": true,
}
