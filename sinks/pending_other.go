//go:build !unix

package sinks

import "net"

// pending is empty here: Windows tells a refused datagram with the next
// write or read.
func pending(net.Conn) error { return nil }
