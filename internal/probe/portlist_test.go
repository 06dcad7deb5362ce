package probe

import "testing"

func TestPortList(t *testing.T) {
	for want, ports := range map[string][]int{
		"":               {},
		"8080":           {8080},
		"0,65535":        {0, 65535},
		"8080,9000-9002": {8080, 9000, 9001, 9002},
		"62-65,127-128":  {62, 63, 64, 65, 127, 128},
		"65533-65535":    {65533, 65534, 65535},
		"1,3,5":          {1, 3, 5},
	} {
		var bitmap [1024]uint64
		for _, port := range ports {
			bitmap[port/64] |= 1 << (port % 64)
		}
		if got := portList(&bitmap); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
