package port

import (
	"errors"

	"golang.org/x/sys/windows"
)

// faultOf tells what a Winsock error means.
func faultOf(err error) fault {
	switch {
	case errors.Is(err, windows.WSAECONNREFUSED), errors.Is(err, windows.WSAECONNRESET):
		return faultRefused
	case errors.Is(err, windows.WSAETIMEDOUT):
		return faultSilent
	case errors.Is(err, windows.WSAEHOSTUNREACH), errors.Is(err, windows.WSAEHOSTDOWN):
		return faultUnreachable
	case errors.Is(err, windows.WSAENETUNREACH), errors.Is(err, windows.WSAEADDRNOTAVAIL), errors.Is(err, windows.WSAEAFNOSUPPORT):
		return faultNoRoute
	case errors.Is(err, windows.WSAEACCES):
		return faultForbidden
	}
	return faultOther
}
