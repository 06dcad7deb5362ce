package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// kernel is one to test on.
type kernel struct {
	version string // its series, 6.1, or newest
	flavour flavour
	arch    string // as Debian calls it
}

// A flavour is one of the configurations in which Debian builds a kernel.
type flavour string

const (
	cloud   flavour = ""        // for virtual machines: few drivers
	generic flavour = "generic" // for all machines
	rt      flavour = "rt"      // the same with full preemption (PREEMPT_RT)
)

// suffix ends the names of its packages.
func (f flavour) suffix(arch string) string {
	switch f {
	case generic:
		return "-" + arch
	case rt:
		return "-rt-" + arch
	}
	return "-cloud-" + arch
}

// has reports whether a package is one of this flavour. The names of all others end like those of
// the generic one.
func (f flavour) has(name, arch string) bool {
	if f == generic && (cloud.has(name, arch) || rt.has(name, arch)) {
		return false
	}
	return strings.HasSuffix(name, f.suffix(arch))
}

// String is how it is named on the command line: 6.1, 6.12-rt, 6.12/arm64.
func (k kernel) String() string {
	text := k.version
	if k.flavour != cloud {
		text += "-" + string(k.flavour)
	}
	if k.arch != "amd64" {
		text += "/" + k.arch
	}
	return text
}

// processor is what the kernel runs on. Before 6.5 x86 kernels brought their processors up
// one after the other, by waiting for each other in turn: with a clock that counts
// instructions that does not end.
func (k kernel) processor(kvm bool) []string {
	switch {
	case kvm:
		return virtual
	case k.arch == "amd64" && k.version != newest && series(k.version) < series("6.5"):
		return emulated
	}
	return counted
}

const kprobeMode = "kprobe,tracepoint"

// newest stands for the newest kernel of all suites.
const newest = "newest"

// A mode is what --hooks allows. The empty one is the default: every signal from the
// best hook there is.
var (
	allModes   = []string{"", "fexit,tracepoint", kprobeMode, "tracepoint,cgroup", "tracepoint,syscall", "tracepoint"}
	everywhere = []kernel{
		{"5.10", cloud, "amd64"},
		{"6.1", cloud, "amd64"},
		{"6.12", cloud, "amd64"},
		{"6.18", cloud, "amd64"},
		{newest, cloud, "amd64"},
		{"6.1", generic, "amd64"},
		{"6.12", generic, "amd64"},
		{newest, generic, "amd64"},
		{"6.1", rt, "amd64"},
		{"6.12", rt, "amd64"},
		{newest, rt, "amd64"},
		{"6.1", cloud, "arm64"},
		{"6.12", cloud, "arm64"},
		{newest, cloud, "arm64"},
	}
)

// With the best hooks all tests run but those about recordings and the bounds of tables, which
// are the same on every kernel, and those that wait for minutes of TIME_WAIT; in the other modes
// those that hold every signal against the truth. A storm of 248,000 connects takes an emulated
// processor minutes.
const (
	skipped = "Recording|TestSources|TestFullDisk|TestReplay|TestForecast|TestTimeWaitBefore|TestConcentrated|TestSpread|TestWhatif|" +
		"TestNamesBesideStorm|TestNothingStaysOpen|TestTopDestination|TestMoreDestinations"
	central = "TestScenario|TestAccuracy"
	storms  = "TestOverload|TestLimit|TestTotalsWithoutDetails|TestMoreConnectionsThanFollowed"
)

// someModes returns the modes by the name of a choice of them.
func someModes(name string) ([]string, error) {
	switch name {
	case "all":
		return allModes, nil
	case "default":
		return allModes[:1], nil
	case "kprobes":
		return []string{"", kprobeMode}, nil
	}
	return nil, fmt.Errorf("-modes %s: there are all, default and kprobes", name)
}

// suites are the Debian suites that are searched for kernels. One that the archive does not have any more
// is left out, and its kernel replaced by the nearest newer one.
var suites = []string{
	"bullseye", "bullseye-security", "bookworm", "bookworm-security",
	"trixie", "trixie-security", "trixie-backports", "sid", "experimental",
}

// pack is a kernel package that the archive offers.
type pack struct{ name, version string }

// series is 6.12 as a number that compares, 6012; 0 of what is no version.
func series(version string) int {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		return 0
	}
	return 1000*major + minor
}

func (p pack) series() int { return series(p.version) }

// choose takes the newest package of the series; if there is none, the newest of
// the next series.
func choose(wanted string, packs []pack) (pack, error) {
	want := series(wanted)
	var best pack
	for _, p := range packs {
		if p.series() < want {
			continue
		}
		switch {
		case best == pack{}, wanted == newest && p.newer(best), wanted != newest && p.nearer(best):
			best = p
		}
	}
	if best == (pack{}) {
		return best, fmt.Errorf("the archive has no kernel %s or newer", wanted)
	}
	return best, nil
}

// nearer is of a lower series, or newer within the same.
func (p pack) nearer(other pack) bool {
	if p.series() != other.series() {
		return p.series() < other.series()
	}
	return p.newer(other)
}

// newer asks dpkg, which knows how Debian's versions compare.
func (p pack) newer(other pack) bool {
	return exec.Command("dpkg", "--compare-versions", p.version, "gt", other.version).Run() == nil
}
