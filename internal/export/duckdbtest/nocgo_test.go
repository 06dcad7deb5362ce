//go:build !cgo

package duckdbtest

import (
	"os"
	"testing"
)

func TestDuckDB(t *testing.T) {
	const why = "DuckDB's library takes a C compiler and CGO_ENABLED=1"
	if os.Getenv("PORTTRACE_COMPLETE") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
