package whatif

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzConfig has any text for the settings of each profile, its range and its reserved ports: the
// system that follows has ports that there are, and no negative time.
func FuzzConfig(f *testing.F) {
	for i := range profiles {
		for _, s := range profiles[i].Settings {
			f.Add(uint8(i), s.Name+"="+s.Default, "32768 60999", "8080,9000-9100")
		}
		f.Add(uint8(i), "MaxUserPort=65534", "1024-65535", "1-65535")
	}
	f.Add(uint8(0), "dynamicport=start=10000,num=50000", "5 - 5", ",,7")
	f.Fuzz(func(t *testing.T, which uint8, assignment, ports, reserved string) {
		c := profiles[int(which)%len(profiles)].Config()
		set, err := ParsePorts(reserved)
		if err == nil {
			if again, err := ParsePorts(set.String()); err != nil || again.String() != set.String() {
				t.Errorf("%s is read as %s, %v", set, again, err)
			}
			c.Reserved = set
		}
		before := *c
		if c.SetRange(ports) == nil {
			text := event.PortSet{c.Range}.String()
			if again := before; again.SetRange(text+" "+text) == nil && c.Range.Low != c.Range.High {
				t.Errorf("two ranges are one: %s", text)
			}
		} else if c.Range != before.Range {
			t.Errorf("the range %q is refused, and set to %v", ports, c.Range)
		}
		unset := *c
		if err := c.Set(assignment); err != nil && (c.System != unset.System || c.Range != unset.Range || len(c.Notes) != len(unset.Notes)) {
			t.Errorf("%s is refused, and has changed %+v to %+v", assignment, unset, *c)
		}
		system, err := c.Resolve()
		if err != nil {
			return
		}
		if s := &system; s.Ports < 1 || s.Ports > 65535 || s.TimeWait < 0 || s.ReuseDelay < 0 || s.MaxTimeWait < 0 || s.MaxConnections < 0 {
			t.Errorf("%s with %s, range %q without %q is %+v", c.Profile.Name, assignment, ports, reserved, system)
		}
	})
}
