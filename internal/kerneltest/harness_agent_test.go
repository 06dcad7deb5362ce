package kerneltest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/hostagent"
)

// agent counts the state changes that no program sees for the agent of the host, from the first use on,
// until TestMain ends.
var agent struct {
	begin   sync.Once
	changes *hostagent.Changes // nil: not used, or they cannot be counted
}

// unseen returns how many there were so far.
func unseen(t testing.TB) uint64 {
	t.Helper()
	agent.begin.Do(func() {
		var err error
		if agent.changes, err = hostagent.Count(); err != nil {
			fmt.Fprintln(os.Stderr, "state changes while PID 1 runs are not counted:", err)
		}
	})
	if agent.changes == nil {
		return 0
	}
	n, err := agent.changes.Count()
	noError(t, err)
	return n
}
