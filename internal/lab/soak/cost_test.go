package soak

import (
	"fmt"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/lab"
)

// mapsOf returns a report, and what its maps take by the kernel's account. They agree but if a second
// map of counts was made in between, since something happened on the host: then it tries again.
func mapsOf(t *testing.T) (r *report, kernel uint64) {
	t.Helper()
	for range 5 {
		p := start(t, nil, "report", "-v", "--json", "-d", "1h")
		_, kernel = objectsOf(t, p.Cmd.Process.Pid)
		p.End(t)
		if r = parseReport(t, p.Stdout.String()); r.Health.MapBytes == kernel {
			break
		}
	}
	return r, kernel
}

// What a report says of its own memory has the maps, by the kernel's account.
func TestMemoryHasMaps(t *testing.T) {
	needHost(t)
	r, want := mapsOf(t)
	health := r.Health
	if want == 0 || health.MapBytes != want {
		t.Errorf("%d bytes of maps, the kernel says %d", health.MapBytes, want)
	}
	if health.ResidentBytes == 0 || health.MemoryBytes != health.ResidentBytes+health.MapBytes {
		t.Errorf("%d bytes resident and %d of maps are %d", health.ResidentBytes, health.MapBytes, health.MemoryBytes)
	}
}

// --max-connections sizes the map of connections.
func TestMaxConnections(t *testing.T) {
	needHost(t)
	var bytes []uint64
	for _, most := range []int{1000, 101_000} {
		p := start(t, nil, "report", "-v", "--json", "-d", "1h", "--max-connections", fmt.Sprint(most))
		p.End(t)
		bytes = append(bytes, parseReport(t, p.Stdout.String()).Health.MapBytes)
	}
	if more := bytes[1] - bytes[0]; more < 100_000*56 || more > 100_000*140 { // key and value at least
		t.Errorf("100,000 connections more take %d bytes", more)
	}
}

// Programs have a time if the kernel measures it, and else none that is invented.
func TestProgramTime(t *testing.T) {
	needHost(t)
	const count = 500
	n, err := lab.NewStormNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	p := start(t, nil, "report", "-v", "--json", "-d", "1h")
	statistics, err := ebpf.EnableStats(0) // BPF_STATS_RUN_TIME
	noError(t, err)
	err = n.Run("soak-stats", &lab.Storm{Reset: true, Count: count}, &lab.StormResult{})
	noError(t, err, statistics.Close())
	time.Sleep(settle)
	p.End(t)
	health := parseReport(t, p.Stdout.String()).Health
	if health.ProgramSeconds == nil || *health.ProgramSeconds <= 0 || health.ProgramRuns < 6*count { // changes of state
		t.Errorf("%d runs of %d connections: %+v", health.ProgramRuns, count, health)
	}
}
