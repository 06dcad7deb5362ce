package soak

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/built"
)

var starts = flag.Int("starts", 10, "how often the program is started and stopped")

// Nothing is left of many starts: no program, map, link or pin, and no mount of a namespace.
func TestStarts(t *testing.T) {
	needHost(t)
	mountsBefore := namespaceMounts(t)
	var all []object
	for i := range *starts {
		p := start(t, nil, "report", "-v", "--json", "-d", "1h")
		objects, _ := objectsOf(t, p.Cmd.Process.Pid)
		if kinds := kindsOf(objects); !slices.Equal(kinds, []string{"link_id", "map_id", "prog_id"}) {
			t.Fatalf("it holds %v", kinds)
		}
		all = append(all, objects...)
		if i%2 == 0 {
			p.End(t)
		} else { // kill -9 leaves nothing either
			noError(t, p.Cmd.Process.Kill())
			p.Await(t)
		}
	}
	for _, o := range all {
		built.Eventually(t, "the end of "+o.kind, func() bool { return o.gone(t) })
	}
	if pins, _ := filepath.Glob("/sys/fs/bpf/*pt_*"); len(pins) != 0 {
		t.Errorf("pinned: %s", pins)
	}
	if after := namespaceMounts(t); !slices.Equal(after, mountsBefore) {
		t.Errorf("namespaces mounted before: %q, after: %q", mountsBefore, after)
	}
	t.Logf("%d starts, %d objects in the kernel, all gone", *starts, len(all))
}

func kindsOf(objects []object) []string {
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// namespaceMounts returns the mounts that keep a namespace. Each namespace of a test is one of a
// thread, which needs none.
func namespaceMounts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	noError(t, err)
	var mounts []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " - nsfs ") {
			mounts = append(mounts, line)
		}
	}
	return mounts
}
