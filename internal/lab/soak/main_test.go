package soak

import (
	"testing"

	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// binary is the built program.
var binary string

func TestMain(m *testing.M) { built.Main(m, &binary) }

// needHost skips the test where nothing can be traced.
func needHost(t *testing.T) {
	t.Helper()
	need.Root(t, "tracing")
	need.BTF(t)
}

// noError ends the test at the first error.
func noError(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
