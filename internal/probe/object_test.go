package probe

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The compressed objects are those that were generated.
func TestPackedObjects(t *testing.T) {
	t.Parallel()
	objects, err := filepath.Glob("bpf_*.o")
	if err != nil || len(objects) != 2 {
		t.Fatal(objects, err)
	}
	for _, name := range objects {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name + ".gz")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		in, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s.gz is of another one (%v): run make generate", name, err)
		}
	}
}
