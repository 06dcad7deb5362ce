package whatif

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The ports of a solution are those of the range in its command, which has them all: one port
// less fails, or the kernel would not use it.
func TestSolutionOfRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted   int
		reserved string
		want     string
	}{
		{699, "", `700 ports suffice: sysctl -w net.ipv4.ip_local_port_range="40000 40699"`},
		{700, "", `700 ports suffice: sysctl -w net.ipv4.ip_local_port_range="40000 40699"`},
		{701, "", `702 ports suffice: sysctl -w net.ipv4.ip_local_port_range="40000 40701"`},
		{699, "40001", `699 ports suffice: sysctl -w net.ipv4.ip_local_port_range="40000 40699"`},
	} {
		config := ProfileOf("linux").Config()
		if err := config.SetRange("40000 40599"); err != nil {
			t.Fatal(err)
		}
		config.Reserved, _ = ParsePorts(c.reserved)
		system, err := config.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		load := Load{Rate: 1000, Count: uint64(c.wanted), Lifetime: time.Second}
		a := Answer{Config: config, Load: "a load", System: system}
		s := Solve(system, load, SolveRange, config.MostPorts())
		config.WholeRange(&s, func(ports int) Result {
			wider := system
			wider.Ports = ports
			return Simulate(wider, load)
		})
		a.Solution = &s
		if text := a.solution(); !strings.HasSuffix(text, c.want) {
			t.Errorf("%d: %s, want %s", c.wanted, text, c.want)
		}
		j := a.solveJSON()
		r, err := parseRange(fmt.Sprintf("%d-%d", j.RangeLow, j.RangeHigh))
		if err != nil || usable(r, config.Reserved) != int(*j.Value) || j.Capacity != int(*j.Value) || !j.Survives {
			t.Errorf("%d: %+v, %v", c.wanted, j, err)
		}
	}
}
