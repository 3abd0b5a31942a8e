//go:build !windows

package facts

// programs are the vendor's whose version is read from the file.
func programs() []string { return nil }

func installed() (installation, error) { return installation{}, nil }

// queryPath returns where the vendor's packages put dsa_query.
func queryPath() string { return "/opt/ds_agent/dsa_query" }
