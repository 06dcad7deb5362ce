package soak

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/built"
)

var soak = flag.Duration("soak", 20*time.Second, "how long the load of TestSoak lasts")

// parts of the load are compared: in the first, what the load needs comes to be.
const parts = 4

// Under a load that goes on, what a tracer takes does not grow: memory, threads, files. After it
// there are as many goroutines as before, and entries of the sockets that exist.
func TestSoak(t *testing.T) {
	needHost(t)
	young := start(t, nil, "record", "-v", "-o", filepath.Join(t.TempDir(), "young.ptrace"))
	time.Sleep(settle)
	few := young.goroutines(t)

	file := filepath.Join(t.TempDir(), "soak.ptrace")
	recorder := start(t, nil, "record", "-v", "-o", file)
	screen := showScreen(t, nil)
	watched := map[string]int{"record": recorder.Cmd.Process.Pid, "screen": screen.PID()}
	samples := map[string][]usage{}
	stop, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		for {
			for name, pid := range watched {
				samples[name] = append(samples[name], usageOf(t, pid))
			}
			select {
			case <-stop:
				return
			case <-time.After(*soak / 100):
			}
		}
	}()
	load(t, *soak)
	close(stop)
	<-sampled
	for name, all := range samples {
		checkFlat(t, name, all)
	}
	for name, pid := range watched {
		var have, most int
		built.Eventually(t, "entries of sockets alone in "+name, func() bool {
			have, most = connections(t, pid), liveSockets(t)+slack
			return have <= most
		})
		t.Logf("%s: %d entries of connections", name, have)
	}
	noError(t, screen.Press("q"), screen.Wait(built.Bound))
	if many := recorder.goroutines(t); many > few+2 {
		t.Errorf("%d goroutines at the end, %d at the beginning", many, few)
	}
}

// slack is how many sockets may have come or gone between two counts.
const slack = 500

// checkFlat compares the most of the last part with that of the second one.
func checkFlat(t *testing.T, name string, all []usage) {
	t.Helper()
	most := func(part int) (u usage) {
		for _, s := range all[part*len(all)/parts : (part+1)*len(all)/parts] {
			u = usage{max(u.anonymous, s.anonymous), max(u.threads, s.threads), max(u.files, s.files)}
		}
		return u
	}
	var text []string
	for part := range parts {
		text = append(text, most(part).String())
	}
	t.Logf("%s, the most of each quarter: %s", name, strings.Join(text, "; "))
	then, now := most(1), most(parts-1)
	if now.anonymous > then.anonymous*5/4+8<<20 || now.threads > then.threads+4 || now.files > then.files+4 {
		t.Errorf("%s grows: in the second quarter at most %s, in the last %s", name, then, now)
	}
}

// liveSockets returns how many TCP sockets there are in all namespaces.
func liveSockets(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/net/sockstat")
	noError(t, err)
	fields := strings.Fields(string(text))
	alloc := slices.Index(fields, "alloc")
	if alloc < 0 || alloc+1 == len(fields) {
		t.Fatalf("no number of sockets in %s", text)
	}
	n, err := strconv.Atoi(fields[alloc+1])
	noError(t, err)
	return n
}
