//go:build !windows

package facts

func installed() (installation, error) { return installation{}, nil }

// queryPath returns where the vendor's packages put dsa_query.
func queryPath() string { return "/opt/ds_agent/dsa_query" }
