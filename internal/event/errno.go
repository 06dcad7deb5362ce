package event

import "strconv"

// Errno is a Linux error number in the asm-generic numbering, which amd64 and arm64
// share. It is kept here by number and name so that a recording reads the same on
// any system.
type Errno uint16

const (
	EPERM         Errno = 1
	EAGAIN        Errno = 11
	EACCES        Errno = 13
	EINVAL        Errno = 22
	EPIPE         Errno = 32
	EAFNOSUPPORT  Errno = 97
	EADDRINUSE    Errno = 98
	EADDRNOTAVAIL Errno = 99
	ENETUNREACH   Errno = 101
	ECONNABORTED  Errno = 103
	ECONNRESET    Errno = 104
	ETIMEDOUT     Errno = 110
	ECONNREFUSED  Errno = 111
	EHOSTUNREACH  Errno = 113
)

// include/uapi/asm-generic/errno-base.h and errno.h: what connect(), bind() and
// listen() return, tcp(7) and ip(7).
var errnoNames = map[Errno]string{
	EPERM: "EPERM", 4: "EINTR", 9: "EBADF", EAGAIN: "EAGAIN", 12: "ENOMEM", EACCES: "EACCES", 14: "EFAULT",
	19: "ENODEV", EINVAL: "EINVAL", 24: "EMFILE", EPIPE: "EPIPE", 71: "EPROTO", 88: "ENOTSOCK",
	92: "ENOPROTOOPT", 93: "EPROTONOSUPPORT", 95: "EOPNOTSUPP", EAFNOSUPPORT: "EAFNOSUPPORT",
	EADDRINUSE: "EADDRINUSE", EADDRNOTAVAIL: "EADDRNOTAVAIL", 100: "ENETDOWN", ENETUNREACH: "ENETUNREACH",
	ECONNABORTED: "ECONNABORTED", ECONNRESET: "ECONNRESET", 105: "ENOBUFS", 106: "EISCONN", 107: "ENOTCONN",
	ETIMEDOUT: "ETIMEDOUT", ECONNREFUSED: "ECONNREFUSED", 112: "EHOSTDOWN", EHOSTUNREACH: "EHOSTUNREACH",
	114: "EALREADY", 115: "EINPROGRESS",
}

// String is the symbolic name, empty for 0.
func (e Errno) String() string {
	if e == 0 {
		return ""
	}
	if name, ok := errnoNames[e]; ok {
		return name
	}
	return "errno " + strconv.Itoa(int(e))
}
