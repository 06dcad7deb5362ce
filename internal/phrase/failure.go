package phrase

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// caller returns the name of the process with its pid, and without.
func caller(p *event.Process) (full, name string) {
	name = printable.String(p.Program())
	switch {
	case !p.ID.Known():
		name = cmp.Or(name, "an unknown process")
		return name, name
	case name == "":
		return "process " + PID(p.ID), "process " + PID(p.ID)
	}
	return Program(p), name
}

// cause returns the reason with the errno behind it, and one mark if either was inferred.
func cause(f *snapshot.Failure) string {
	words, code := reasons[f.Reason.String()].words, f.Errno.String()
	mark := ""
	if f.Inferred&(event.FieldErrno|event.FieldReason) != 0 {
		mark = "~"
	}
	if words != "" && code != "" {
		return words + " (" + mark + code + ")"
	}
	return mark + cmp.Or(words, code, "unknown error")
}

// severalAddresses stands for targets that are not known one by one.
const severalAddresses = "several addresses"

// Target returns what was asked for, with the protocol if that is not TCP.
func Target(f *snapshot.Failure) string {
	if !f.TargetKnown() {
		return severalAddresses + ProtoSuffix(f.Proto)
	}
	return f.Target.String() + ProtoSuffix(f.Proto)
}

// asked is Target without the protocol, with any port as *.
func asked(f *snapshot.Failure) string {
	if !f.TargetKnown() {
		return severalAddresses
	}
	return Endpoint(f.Target)
}

// Errno returns the error of a failure, marked if inferred.
func Errno(f *snapshot.Failure) string {
	return Marked(f.Inferred, event.FieldErrno, f.Errno.String())
}

// Marked returns text with the mark of inferred values if the field was inferred.
func Marked(inferred, field event.Field, text string) string {
	if text != "" && inferred&field != 0 {
		return "~" + text
	}
	return text
}
