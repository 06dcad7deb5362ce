package lab

import "net/netip"

// Result has the counts of a Client or a Binder itself: the truth that a test
// holds a tracer against. Errors are counted by name: "EADDRNOTAVAIL".
type Result struct {
	PID       int
	Attempted int // sockets that were made
	Succeeded int // connections that came about, or sockets bound (and listening)

	BindErrors    map[string]int // of bind(2)
	ConnectErrors map[string]int // of connect(2), or of SO_ERROR if it did not block
	ListenErrors  map[string]int // of listen(2)
	TalkErrors    map[string]int // of connections that broke before their close

	Tries []Try // one by one, if the job asks for a list
}

// Try is one socket of a job.
type Try struct {
	Local, Remote netip.AddrPort
	Op            string // bind, connect, listen or talk: what failed; else empty
	Errno         string
}

// newResult returns a Result in which every map can be counted into.
func newResult(pid int) *Result {
	return &Result{
		PID:           pid,
		BindErrors:    map[string]int{},
		ConnectErrors: map[string]int{},
		ListenErrors:  map[string]int{},
		TalkErrors:    map[string]int{},
	}
}

// count adds one socket.
func (r *Result) count(try Try, list bool) {
	r.Attempted++
	switch try.Op {
	case "bind":
		r.BindErrors[try.Errno]++
	case "connect":
		r.ConnectErrors[try.Errno]++
	case "listen":
		r.ListenErrors[try.Errno]++
	case "talk":
		r.TalkErrors[try.Errno]++
	}
	if try.Op == "" || try.Op == "talk" {
		r.Succeeded++
	}
	if list {
		r.Tries = append(r.Tries, try)
	}
}
