package main

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	need.Program(t, "dpkg") // it compares versions
	packs := []pack{
		{"linux-image-6.12.9+deb13-cloud-amd64", "6.12.9-1"},
		{"linux-image-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"},
		{"linux-image-6.12.117+deb13-cloud-amd64", "6.12.117-1"},
		{"linux-image-7.3-cloud-amd64", "7.3~rc7-1~exp1"},
		{"linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"},
		{"linux-image-6.18.15+deb13-cloud-amd64", "6.18.15-1~bpo13+1"},
	}
	for wanted, want := range map[string]string{
		"5.10":  "6.12.117-1", // gone: the nearest newer
		"6.12":  "6.12.117-1",
		"6.13":  "6.18.15-1~bpo13+1",
		newest:  "7.3.4-1~bpo13+1",
		"7.3":   "7.3.4-1~bpo13+1",
		"8.0":   "",
		"6.120": "7.3.4-1~bpo13+1",
	} {
		got, err := choose(wanted, packs)
		if got.version != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", wanted, got.version, err, want)
		}
	}
}

// Each package has one flavour.
func TestFlavours(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]flavour{
		"linux-image-6.12.9+deb13-cloud-amd64": cloud, "linux-image-6.12.9+deb13-amd64": generic, "linux-image-6.12.9+deb13-rt-amd64": rt,
		"linux-image-6.12.9+deb13-cloud-arm64": "none", "linux-image-6.12-amd64-signed-template": "none", "linux-image-6.12.9+deb13-amd64-unsigned": "none",
	} {
		for _, f := range []flavour{cloud, generic, rt} {
			if got := f.has(name, "amd64"); got != (f == want) {
				t.Errorf("%s is of flavour %q: %t", name, f, got)
			}
		}
	}
}

func TestKernelNames(t *testing.T) {
	t.Parallel()
	for want, k := range map[string]kernel{"6.1": {"6.1", cloud, "amd64"}, "6.12-rt": {"6.12", rt, "amd64"}, "newest-generic/arm64": {newest, generic, "arm64"}} {
		if got := k.String(); got != want {
			t.Errorf("%+v is named %s, want %s", k, got, want)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{"6.12.117-1": 6012, "7.3~rc7-1": 7003, "5.10": 5010, newest: 0, "rt-amd64": 0, "": 0} {
		if got := series(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}

// TestFollow checks that each line is passed on with its run, and that a run that does not
// end has no status.
func TestFollow(t *testing.T) {
	t.Parallel()
	console := strings.NewReader("Booting\r\nvm: begin 0\r\n=== RUN   TestA\r\n--- PASS: TestA (0.10s)\r\n\r\nvm: end 0 0\r\nvm: begin 1\r\npanic: no\r\nvm: end 1 2\r\nvm: begin 2\r\nOops: int3\r\n")
	lines := map[int][]string{}
	ended, tail := follow(console, func(run int, line string) { lines[run] = append(lines[run], line) })
	if len(ended) != 2 || ended[0] != 0 || ended[1] != 2 || tail != "\n  Booting" {
		t.Errorf("ended %v, the rest %q", ended, tail)
	}
	if lines[1][0] != "panic: no" || lines[2][0] != "Oops: int3" || lines[0][0] != "=== RUN   TestA" {
		t.Errorf("lines %v", lines)
	}
}
