package probe

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// The signals of a probe are exactly those that are listed, in the order of the list.
func TestSignalNames(t *testing.T) {
	var ofLadders event.Signals
	for _, s := range ladders {
		ofLadders = append(ofLadders, event.Signal{Name: s.name})
	}
	var names []string
	for _, s := range allSignals(ofLadders, nil) {
		names = append(names, s.Name)
	}
	if want := event.SignalNames(); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// Each rung names programs that the embedded object has, and says why if it is not exact.
func TestLadderPrograms(t *testing.T) {
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ladders {
		for _, r := range s.ladder {
			for _, name := range r.programs {
				if spec.Programs[name] == nil {
					t.Errorf("%s by %s: the object has no program %s", s.name, r.name, name)
				}
			}
			if r.mode != event.Exact && r.why == "" {
				t.Errorf("%s by %s is %s, and does not say why", s.name, r.name, r.mode)
			}
		}
	}
}
