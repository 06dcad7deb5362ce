package event

import "testing"

// FuzzPortSet has any text for ip_local_reserved_ports: the set has each port once, in order, and is
// the same when it is read from its own text.
func FuzzPortSet(f *testing.F) {
	f.Add("8080,9000-9100")
	f.Add("9000-9100, 1,65535,9101,x,7-3")
	f.Fuzz(func(t *testing.T, list string) {
		set := ParsePortSet(list)
		if again := ParsePortSet(set.String()); again.String() != set.String() {
			t.Errorf("%s is read as %s", set, again)
		}
		ports := 0
		for i, r := range set {
			ports += int(r.High) - int(r.Low) + 1 // Size is 0 of the range that only has port 0: it means not known
			if r.Low > r.High || i > 0 && int(r.Low) <= int(set[i-1].High)+1 || !set.HoldsAll(r) || !set.Holds(r.High) {
				t.Errorf("%q is read as %v", list, []PortRange(set))
			}
		}
		if n := set.Within(PortRange{High: 65535}); n != ports {
			t.Errorf("%s has %d ports, and %d of all", set, ports, n)
		}
	})
}
