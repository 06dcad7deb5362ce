package event

import "testing"

func TestPortSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list string
		add  []PortRange
		want string
	}{
		{"", nil, ""},
		{"", []PortRange{OnePort(8080)}, "8080"},
		{"8080,9000-9100\n", []PortRange{OnePort(8081)}, "8080-8081,9000-9100"},
		{"9000-9100,8080", []PortRange{{Low: 9050, High: 9200}}, "8080,9000-9200"},
		{"8080, 8090", nil, "8080,8090"},
		{"65535", []PortRange{{Low: 1, High: 65534}}, "1-65535"},
		{"rubbish,7-3,80000", nil, ""},
	} {
		if got := ParsePortSet(c.list).With(c.add...).String(); got != c.want {
			t.Errorf("%q with %v is %q, want %q", c.list, c.add, got, c.want)
		}
	}
	if n := ParsePortSet("10-19,30").Within(PortRange{Low: 15, High: 30}); n != 6 {
		t.Errorf("within: %d, want 6", n)
	}
}
