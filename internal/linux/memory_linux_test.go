package linux

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	if bytes := Memory(); bytes < 1<<20 || bytes > 1<<50 {
		t.Errorf("%d bytes for a process that runs", bytes)
	}
}

func TestMemoryHierarchies(t *testing.T) {
	t.Parallel()
	const (
		unified = "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
		hybrid  = "36 25 0:31 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory\n" +
			"37 25 0:32 / /sys/fs/cgroup/pids rw shared:11 - cgroup cgroup rw,pids\n" +
			"38 25 0:33 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw\n"
		docker = "40 39 0:31 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	)
	tests := []struct {
		name, mounts, own string
		want              []hierarchy
	}{
		{"version 2", unified, "0::/system.slice/p.service\n", []hierarchy{{"/sys/fs/cgroup", "/system.slice/p.service", true}}},
		{"both", hybrid, "9:pids:/p\n4:memory:/m\n0::/u\n", []hierarchy{{"/sys/fs/cgroup/memory", "/m", false}, {"/sys/fs/cgroup/unified", "/u", true}}},
		{"own cgroup mounted", docker, "4:cpu,memory:/docker/ab/inner\n", []hierarchy{{"/sys/fs/cgroup/memory", "/inner", false}}},
		{"a cgroup whose name begins like the mounted one", docker, "4:memory:/docker/abc\n", []hierarchy{{"/sys/fs/cgroup/memory", "/docker/abc", false}}},
		{"a blank in the mount point", "35 25 0:30 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n", "0::/\n", []hierarchy{{"/mnt/a b", "/", true}}},
		{"root", unified, "0::/\n", []hierarchy{{"/sys/fs/cgroup", "/", true}}},
		{"none mounted", "21 1 0:1 / /proc rw - proc proc rw\n", "4:memory:/m\n", nil},
	}
	for _, test := range tests {
		if got := memoryHierarchies(test.mounts, test.own); !slices.Equal(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// A limit can be that of any cgroup above.
func TestLimit(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(mount, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/memory.max", "67108864\n")
	write("a/b/memory.max", "max\n")
	write("memory.limit_in_bytes", "9223372036854771712\n")
	write("a/memory.limit_in_bytes", "9223372036854771712\n")
	write("a/b/memory.limit_in_bytes", "33554432\n")
	for _, test := range []struct {
		path    string
		unified bool
		want    uint64
	}{
		{"/a/b", true, 64 << 20},
		{"/a", true, 64 << 20},
		{"/", true, math.MaxUint64},
		{"/elsewhere", true, math.MaxUint64},
		{"/a/b", false, 32 << 20},
		{"/a", false, 9223372036854771712},
	} {
		if got := (hierarchy{mount, test.path, test.unified}).limit(); got != test.want {
			t.Errorf("%s, version 2 %v: %d, want %d", test.path, test.unified, got, test.want)
		}
	}
}
