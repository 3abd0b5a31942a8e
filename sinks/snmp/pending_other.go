//go:build !unix

package snmp

import "net"

// pending is empty here: Windows tells a refused datagram with the next
// write or read.
func pending(*net.UDPConn) error { return nil }
