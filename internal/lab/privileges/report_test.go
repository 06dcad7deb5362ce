package privileges

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// report is what the tests read of a JSON report.
type report struct {
	Processes  []process
	Namespaces []namespace
}

type process struct {
	PID  int
	Exe  string
	Live uint64
}

type namespace struct {
	Inode    uint32 `json:"netns"`
	RangeLow uint16 `json:"range_low"`
	LastScan string `json:"last_scan"`
}

func parseReport(t *testing.T, text []byte) *report {
	t.Helper()
	var r report
	noError(t, json.Unmarshal(text, &r))
	return &r
}

func (r *report) process(pid int) process {
	for _, p := range r.Processes {
		if p.PID == pid {
			return p
		}
	}
	return process{}
}

func (r *report) namespace(inode uint32) namespace {
	for _, n := range r.Namespaces {
		if n.Inode == inode {
			return n
		}
	}
	return namespace{}
}

// run runs the program to its end, as root.
func run(args ...string) (string, error) {
	text, err := exec.Command(binary, args...).CombinedOutput()
	return string(text), err
}
