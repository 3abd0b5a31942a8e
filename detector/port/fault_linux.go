package port

import (
	"errors"

	"golang.org/x/sys/unix"
)

// faultOf tells what a system error of the net package means.
func faultOf(err error) fault {
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ECONNRESET):
		return faultRefused
	case errors.Is(err, unix.ETIMEDOUT):
		return faultSilent
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EHOSTDOWN):
		return faultUnreachable
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EINVAL):
		return faultNoRoute // EINVAL is a blackhole route
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return faultForbidden
	}
	return faultOther
}
