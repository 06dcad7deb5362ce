package soak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// usage is what a process takes at one moment.
type usage struct {
	anonymous uint64 // resident bytes that belong to no file
	threads   int
	files     int
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB, %d threads, %d files", float64(u.anonymous)/(1<<20), u.threads, u.files)
}

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	noError(t, err)
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	noError(t, err)
	return usage{
		anonymous: uint64(number(string(status), "RssAnon:")) << 10,
		threads:   number(string(status), "Threads:"), files: len(files),
	}
}

// number returns the first number of the line that begins with a name, 0 without one.
func number(text, name string) int {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// object is one of the kernel's BPF objects.
type object struct {
	kind string // as the kernel names its id: map_id, prog_id, link_id
	id   int
}

// gone reports whether the kernel has the object no more.
func (o object) gone(t *testing.T) bool {
	t.Helper()
	var held interface{ Close() error }
	var err error
	switch o.kind {
	case "map_id":
		held, err = ebpf.NewMapFromID(ebpf.MapID(o.id))
	case "prog_id":
		held, err = ebpf.NewProgramFromID(ebpf.ProgramID(o.id))
	default:
		held, err = link.NewFromID(link.ID(o.id))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	noError(t, err, held.Close())
	return false
}

// objectsOf returns the objects that a process holds, and the bytes of its maps.
func objectsOf(t *testing.T, pid int) (objects []object, mapBytes uint64) {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	noError(t, err)
	for _, info := range infos {
		text, err := os.ReadFile(info)
		if err != nil {
			continue // it was closed
		}
		for _, kind := range []string{"link_id", "map_id", "prog_id"} {
			if id := number(string(text), kind+":"); id != 0 { // a link has the id of its program, too
				objects = append(objects, object{kind, id})
			}
		}
		if strings.Contains(string(text), "map_id:") {
			mapBytes += uint64(number(string(text), "memlock:"))
		}
	}
	slices.SortFunc(objects, func(a, b object) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(objects), mapBytes
}

// connections returns how many entries a process has in its map of connections.
func connections(t *testing.T, pid int) int {
	t.Helper()
	objects, _ := objectsOf(t, pid)
	for _, o := range objects {
		if o.kind != "map_id" {
			continue
		}
		m, err := ebpf.NewMapFromID(ebpf.MapID(o.id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was swapped
		}
		noError(t, err)
		info, err := m.Info()
		noError(t, err)
		count := 0
		if info.Name == "pt_conns" {
			count = entries(t, m)
		}
		noError(t, m.Close())
		if info.Name == "pt_conns" {
			return count
		}
	}
	t.Fatalf("process %d has no map of connections", pid)
	return 0
}

// entries counts those of a map that is in use: about.
func entries(t *testing.T, m *ebpf.Map) int {
	t.Helper()
	var key, value []byte
	count := 0
	it := m.Iterate()
	for it.Next(&key, &value) {
		count++
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		t.Fatal(err)
	}
	return count
}
