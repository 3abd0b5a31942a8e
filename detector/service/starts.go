package service

import "context"

// Starts tells how services begin with the host. It is used by one goroutine
// at a time.
type Starts struct{ table starter }

// starter is the operating system's service manager.
type starter interface {
	starts(ctx context.Context, names []string) (map[string]string, error) // see Starts.Read
	close()
}

// NewStarts asks nobody yet.
func NewStarts() *Starts { return &Starts{newTable()} }

// Read tells of each service how it begins: on Linux the state of its unit file
// as systemctl is-enabled shows it, on Windows automatic, manual, disabled,
// boot or system; Gone of one that does not exist. What nobody tells is left
// out. An error means that the service manager could not be asked.
func (s *Starts) Read(ctx context.Context, names []string) (map[string]string, error) {
	return s.table.starts(ctx, names)
}

// Close ends the connection to the service manager.
func (s *Starts) Close() { s.table.close() }

// Gone is the start of a service that does not exist.
const Gone = "gone"
