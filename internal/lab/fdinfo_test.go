package lab

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFDInfo(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const at = 4711_0815
	if _, err := file.Seek(at, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if values, err := FDInfo(os.Getpid(), "pos"); err != nil || !slices.Contains(values, at) {
		t.Errorf("%d, %v", values, err)
	}
	if values, err := FDInfo(os.Getpid(), "po"); err != nil || len(values) != 0 {
		t.Errorf("a part of a name: %d, %v", values, err)
	}
	if _, err := FDInfo(1<<30, "pos"); err == nil {
		t.Error("there is no such process")
	}
}
