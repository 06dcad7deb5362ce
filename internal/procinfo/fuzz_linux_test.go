package procinfo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzParseStat has any text for /proc/PID/stat. A name that a program gives itself changes nothing
// but the name.
func FuzzParseStat(f *testing.F) {
	f.Add([]byte("123 (a) b)"+statTail), "nginx", uint32(41), uint64(987654))
	f.Add([]byte(")("), ") S 1 (", uint32(0), uint64(0))
	f.Fuzz(func(t *testing.T, line []byte, comm string, ppid uint32, start uint64) {
		got, err := parseStat(line)
		if err == nil && !strings.Contains(string(line), "("+got.comm+")") {
			t.Errorf("parseStat(%q) made up the name %q", line, got.comm)
		}
		want := stat{comm, ppid, start}
		written := fmt.Sprintf("7 (%s) S %d 42 43 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 12345", comm, ppid, start)
		if got, err := parseStat([]byte(written)); err != nil || got != want {
			t.Errorf("%q is %+v, %v", written, got, err)
		}
	})
}

// FuzzStatus has any text for /proc/PID/status and limits. A number is what the first line of its name
// begins with, and a line before it changes nothing.
func FuzzStatus(f *testing.F) {
	f.Add("Name:\tnginx\nTgid:\t77\nUid:\t1000\t1001\t1002\t1003\nFDSize:\t64\n")
	f.Add("Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 unlimited            files     \n")
	f.Fuzz(func(t *testing.T, file string) {
		for _, key := range []string{"Tgid", "Uid", "FDSize"} {
			n, err := statusNumber([]byte(file), key)
			behind, err2 := statusNumber([]byte("Name:\t"+key+":\\n9\n"+file), key)
			if n != behind || (err == nil) != (err2 == nil) {
				t.Errorf("%s is %d, %v; behind another line %d, %v", key, n, err, behind, err2)
			}
		}
		soft, hard, err := parseFileLimits([]byte(file))
		if err != nil {
			return
		}
		again := fmt.Sprintf("Max open files            %-20d %-20d files\n", soft, hard)
		if s, h, err := parseFileLimits([]byte(again)); err != nil || s != soft || h != hard {
			t.Errorf("%d and %d are read as %d and %d, %v", soft, hard, s, h, err)
		}
	})
}

// FuzzIdentify has any text for /proc/PID/cgroup, and for one path of it. Nothing is made up, and of
// several paths none says more than the one that is chosen.
func FuzzIdentify(f *testing.F) {
	f.Add("/system.slice/docker-" + idA + ".scope")
	f.Add("/a.service/b:cri-containerd:" + idA)
	f.Add("13:pids:/system.slice/docker-" + idA + ".scope\n1:name=systemd:/a.service\n0::/ (deleted)\n")
	f.Fuzz(func(t *testing.T, text string) {
		container, unit := Identify(text)
		if container != "" && !isContainerID(container) {
			t.Errorf("container of %q is %q", text, container)
		}
		if !strings.Contains(text, container) || !strings.Contains(text, unit) {
			t.Errorf("Identify(%q) = %q, %q: not in the path", text, container, unit)
		}
		best, all := cgroupPath(text), hierarchies(text)
		if best != "" && !slices.ContainsFunc(all, func(h hierarchy) bool { return h.path == best }) {
			t.Errorf("cgroupPath(%q) = %q: in no hierarchy", text, best)
		}
		for _, h := range all {
			if naming(h.path) > naming(best) {
				t.Errorf("cgroupPath(%q) = %q, and %q says more", text, best, h.path)
			}
		}
	})
}
