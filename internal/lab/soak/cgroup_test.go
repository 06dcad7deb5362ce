package soak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/built"
)

// memoryGroup is a cgroup that limits memory. A nil one is none.
type memoryGroup struct {
	dir     string
	unified bool // version 2
}

var groupCount atomic.Int32

// limitMemory makes a memory cgroup, which ends with the test. It skips the test if this host has
// no memory controller that it may use.
func limitMemory(t *testing.T, bytes int) *memoryGroup {
	t.Helper()
	mount, unified, err := memoryController()
	if err != nil {
		t.Skip(err)
	}
	g := &memoryGroup{filepath.Join(mount, fmt.Sprintf("porttrace-soak-%d-%d", os.Getpid(), groupCount.Add(1))), unified}
	noError(t, os.Mkdir(g.dir, 0o755))
	t.Cleanup(func() { built.Eventually(t, "an empty cgroup", func() bool { return os.Remove(g.dir) == nil }) })
	limit := []byte(strconv.Itoa(bytes))
	if unified {
		noError(t, g.write("memory.max", limit))
		_ = g.write("memory.swap.max", []byte("0")) // a host without swap has no such file
	} else {
		noError(t, g.write("memory.limit_in_bytes", limit))
		_ = g.write("memory.memsw.limit_in_bytes", limit) // likewise
	}
	return g
}

func (g *memoryGroup) write(name string, text []byte) error {
	return os.WriteFile(filepath.Join(g.dir, name), text, 0)
}

// memoryController returns where a hierarchy with the controller is mounted.
func memoryController() (mount string, unified bool, err error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if kind[0] == "cgroup" && strings.Contains(","+kind[2]+",", ",memory,") {
			return fields[4], false, nil
		}
		if kind[0] != "cgroup2" {
			continue
		}
		controllers, _ := os.ReadFile(filepath.Join(fields[4], "cgroup.subtree_control"))
		if strings.Contains(string(controllers), "memory") {
			return fields[4], true, nil
		}
	}
	return "", false, errors.New("no hierarchy of cgroups gives memory limits to those below its root")
}

// within returns a command line that enters the cgroup and then becomes the program.
func (g *memoryGroup) within(line []string) []string {
	if g == nil {
		return line
	}
	return append([]string{"sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, g.dir}, line...)
}

// check fails the test if anything was killed for lack of memory.
func (g *memoryGroup) check(t *testing.T) {
	t.Helper()
	killed, peak := "memory.oom_control", "memory.max_usage_in_bytes"
	if g.unified {
		killed, peak = "memory.events", "memory.peak"
	}
	if kills := g.value(t, killed, "oom_kill "); kills != 0 {
		t.Errorf("%d processes were killed for lack of memory", kills)
	}
	if _, err := os.Stat(filepath.Join(g.dir, peak)); err == nil { // version 2 has it since 5.19
		t.Logf("at most %.1f MiB in use", float64(g.value(t, peak, ""))/(1<<20))
	}
}

// value returns the number after a prefix at the beginning of a line.
func (g *memoryGroup) value(t *testing.T, name, prefix string) uint64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, name))
	noError(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, prefix); found {
			n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
			noError(t, err)
			return n
		}
	}
	t.Fatalf("%s has no %q: %s", name, prefix, text)
	return 0
}

// settle is how long sockets are left to be closed after a load.
const settle = 2 * time.Second
