package soak

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/flight"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/record"
)

const (
	ringPorts = 200
	ringLeak  = 100 // connections a second: the range is full after two seconds
	leaker    = "soak-leaker"
)

// ringRandom returns random moments, whose seed the test prints.
func ringRandom(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// ringNetns returns a namespace with few ports and a server.
func ringNetns(t *testing.T) *lab.Netns {
	t.Helper()
	n, err := lab.NewNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	noError(t, n.PortRange(40000, 40000+ringPorts-1))
	server, err := n.Serve("soak-server", lab.Server{Listen: []netip.AddrPort{listened}, Mode: lab.Echo, For: 2 * time.Minute})
	noError(t, err)
	t.Cleanup(server.Stop)
	return n
}

func spawnIn(t *testing.T, n *lab.Netns, name string, client *lab.Client) {
	t.Helper()
	p, err := n.Spawn(name, client)
	noError(t, err)
	t.Cleanup(p.Stop)
}

// A leak that begins at a random moment is kept with the time before, and doctor names its program.
func TestRingKeepsIncident(t *testing.T) {
	needHost(t)
	t.Parallel()
	const before, after = 6 * time.Second, 2 * time.Second
	random, dir, n := ringRandom(t), t.TempDir(), ringNetns(t)
	p := start(t, nil, "record", "-v", "--ring", "20s", "--on", "full", "--before", before.String(), "--after", after.String(), "-o", dir)
	time.Sleep(2*time.Second + time.Duration(random.Int64N(int64(4*time.Second)))) // a random moment is what is tested
	var began unix.Timespec
	noError(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &began))
	leak := event.Time(began.Nano())
	spawnIn(t, n, leaker, &lab.Client{To: []netip.AddrPort{listened}, Rate: ringLeak, Hold: true, For: time.Minute})
	kept := ""
	built.Eventually(t, "the incident of the leak", func() bool {
		kept = incidentOf(t, dir, leaker)
		return kept != ""
	})
	built.Eventually(t, "the time after it", func() bool { _, end := spanOf(t, kept); return end >= leak.Add(after) })
	p.End(t)
	if begin, end := spanOf(t, kept); begin > leak || end.Sub(begin) > 2*(before+after) {
		t.Errorf("kept from %s after the beginning of the leak, for %s", begin.Sub(leak), end.Sub(begin))
	}
}

// incidentOf returns the incident of which doctor names a program: other tests have theirs.
func incidentOf(t *testing.T, dir, program string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "incidents", "*-full*"))
	noError(t, err)
	for _, name := range names {
		text, _ := exec.Command(binary, "doctor", name).CombinedOutput() // its exit status is what it found
		if strings.Contains(string(text), program) {
			return name
		}
	}
	return ""
}

// spanOf returns from when to when a directory is recorded.
func spanOf(t *testing.T, dir string) (begin, end event.Time) {
	t.Helper()
	names, err := flight.Files(dir)
	noError(t, err)
	var parts []record.Part
	for _, name := range names {
		file, size, err := record.OpenPart(name)
		noError(t, err)
		defer file.Close()
		parts = append(parts, record.Part{Name: name, File: file, Size: size})
	}
	r, err := record.Join(parts)
	noError(t, err)
	return r.Span()
}

// Killed whenever it may be, a ring can be read, and the next run goes on in its directory.
func TestRingKilled(t *testing.T) {
	needHost(t)
	t.Parallel()
	random, dir, n := ringRandom(t), t.TempDir(), ringNetns(t)
	spawnIn(t, n, "soak-churn", &lab.Client{To: []netip.AddrPort{listened}, Rate: 20, Talk: true, For: time.Minute})
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		p := start(t, nil, "record", "-v", "--ring", "8s", "-o", dir)
		built.Eventually(t, "the first frame", func() bool { return hasFrame(dir) })
		after := 200*time.Millisecond + time.Duration(random.Int64N(int64(1300*time.Millisecond)))
		time.Sleep(after) // a random moment is what is tested
		noError(t, p.Cmd.Process.Kill())
		p.Await(t)
		text, err := exec.Command(binary, "report", dir).CombinedOutput()
		if err != nil || !strings.Contains(string(text), listened.String()) {
			t.Errorf("round %d, killed after %s: %v\n%s", round, after, err, text)
		}
	}
}

// hasFrame reports whether a file of the ring has more than its name.
func hasFrame(dir string) bool {
	names, err := flight.Files(dir)
	return err == nil && slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Size() > 0
	})
}
