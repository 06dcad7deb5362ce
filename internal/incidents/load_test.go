package incidents

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// load is one that misbehaves, or a healthy one: that has no want.
type load struct {
	name  string
	needs []string           // programs
	skip  func(*site) string // why it cannot run here; nil or "": it can
	start func(*site) check  // phase 1
	want  want               // what must be found
	// sysctl says that the advice is to set one. That is done while the load still runs: the line
	// names one of its processes.
	sysctl bool
	// after follows the advice for the program and starts it again. Its check is of the cure: from
	// what the programs and the kernel count, the trouble is over. nil: no advice is followed.
	after func(*site, finding) check
}

// check is asked at the end of a phase: from what the programs and the kernel count, it says
// what is not as the load is meant to be.
type check func() error

// want is what must be found.
type want struct {
	causes   []string // one of them
	also     []string // true as well, so not false
	severity []string // one of them; nil: critical or warning
	process  string   // named as the program that does it; empty: none
	victim   string   // named as the program whose calls fail; empty: not asked
	server   bool     // found in the server's namespace
	across   []string // true as well, in the other namespace
	alone    bool     // is found of the whole host: the namespace is judged by itself, by --netns
}

func (l *load) healthy() bool { return l.want.causes == nil }

func allLoads() []*load {
	return slices.Concat(
		churnIncidents(), leakIncidents(), rangeIncidents(), bindIncidents(), kernelIncidents(), peerIncidents(),
		healthyProxies(), healthyClients(), healthyPools(),
	)
}

// chosenLoads returns those of -loads.
func chosenLoads(t *testing.T) []*load {
	t.Helper()
	all := allLoads()
	if *onlyLoads == "all" {
		return all
	}
	names := strings.Split(*onlyLoads, ",")
	chosen := slices.DeleteFunc(all, func(l *load) bool { return !slices.Contains(names, l.name) })
	if len(chosen) != len(names) {
		t.Fatalf("-loads %s: %d of them exist", *onlyLoads, len(chosen))
	}
	return chosen
}

// missing returns the first program that is not installed.
func (l *load) missing() string {
	for _, name := range l.needs {
		if _, found := need.Find(name); !found {
			return name
		}
	}
	return ""
}

// python is Debian's interpreter, not the one of a version manager in PATH, which is a shell script.
const python = "/usr/bin/python3"

// script returns the path of a program of testdata.
func script(name string) string {
	dir, err := os.Getwd() // a test runs in the folder of its package
	if err != nil {
		panic(err)
	}
	return dir + "/testdata/" + name
}

// atLeast is the error of a count that is too low for the load to be what it is meant to be.
func atLeast(what string, got, least int) error {
	if got < least {
		return fmt.Errorf("%s: %d, at least %d are meant to be", what, got, least)
	}
	return nil
}

// atMost is the same for one that is too high.
func atMost(what string, got, most int) error {
	if got > most {
		return fmt.Errorf("%s: %d, at most %d are meant to be", what, got, most)
	}
	return nil
}
