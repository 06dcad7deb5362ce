package anonymize_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/anonymize"
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
)

// secret is a key of the tests; with it none of their addresses stands for another one of them.
const secret = "0123456789abcdef0123456789abcdef"

func newAnonymizer(t testing.TB, secret string) *anonymize.Anonymizer {
	t.Helper()
	key, err := anonymize.KeyOf([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return anonymize.New(key, doctor.KnownPart)
}

// stays has the texts that identify no host, by the fields that hold them, and why they stay.
var stays = map[string]string{
	"Host.Kernel":     "findings depend on the release",
	"Host.Arch":       "GOARCH",
	"Host.PIDNS":      "an inode",
	"Netns.Reserved":  "ports",
	"Netns.VRFs":      "indexes of devices",
	"UDPUse.Reserved": "ports",
	"Signal.Name":     "a name of porttrace",
	"Signal.Mode":     "a word of porttrace",
	"Signal.Hook":     "a hook of the kernel",
	"Signal.Reason":   "what porttrace says of the kernel",
}

// walk calls text for every string that a value has, with the type and field that hold it, and addr
// for every address. It goes through whatever fields there are, so it finds those that are added.
func walk(v reflect.Value, field string, text func(field, s string), addr func(event.Addr)) {
	switch {
	case v.Type() == reflect.TypeFor[event.Addr]():
		addr(v.Interface().(event.Addr))
	case v.Kind() == reflect.String:
		text(field, v.String())
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), v.Elem().Type().Name(), text, addr)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, text, addr)
		}
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), field, text, addr)
		}
	}
}

// source is a stream from memory.
type source struct{ batches []event.Batch }

func (s *source) Read(context.Context) (event.Batch, error) {
	if len(s.batches) == 0 {
		return event.Batch{}, io.EOF
	}
	next := s.batches[0]
	s.batches = s.batches[1:]
	return next, nil
}

// readAll returns all events of a stream.
func readAll(t *testing.T, from interface {
	Read(context.Context) (event.Batch, error)
},
) (all []event.Event) {
	t.Helper()
	for {
		batch, err := from.Read(t.Context())
		all = append(all, batch.Events...)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
