package filter

import (
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
)

// Facts are what a request refers to: of this host, or of a recording. Their errors name the
// flag.
type Facts struct {
	// Netns returns the namespaces, at least one, that a user means by a name. nil: only
	// inodes are names.
	Netns func(name string) (inodes []uint32, err error)
	// Process returns the process with the pid, for the kernel to select. nil: the Filter
	// selects processes.
	Process func(pid uint32) (event.ProcID, error)
	// Descendants returns those of a process. nil: there are none, or the kernel follows them.
	Descendants func(pid uint32) []uint32
}

// Resolved is what selects events.
type Resolved struct {
	Filter *Filter // in user space; nil: everything
	// For the kernel: the processes, and whether it selects their children, too. None: all.
	Targets  []event.ProcID
	Children bool
}

// OfProcess returns the request for a process and its descendants in place of PID.
func (r Request) OfProcess(pid uint32) Request {
	r.PID, r.Children = []string{decimal(pid)}, true
	return r
}

// NeedsFacts reports whether a recording must be searched for what the request refers to.
func (r Request) NeedsFacts() bool { return r.Children || len(r.Netns) > 0 }

// Resolve returns what selects the events that a request asks for. It decides --pid once:
// if there is a Process among the facts, in the kernel alone, else in the Filter alone.
func Resolve(r Request, facts Facts) (Resolved, error) {
	if err := r.Check(); err != nil {
		return Resolved{}, err
	}
	var to Resolved
	numbers := r
	numbers.PID, numbers.Netns, numbers.Children = nil, nil, false
	if err := to.resolvePIDs(&numbers, r, facts); err != nil {
		return Resolved{}, err
	}
	if err := resolveNetns(&numbers, r, facts); err != nil {
		return Resolved{}, err
	}
	var err error
	to.Filter, err = Parse(numbers)
	return to, err
}

func (to *Resolved) resolvePIDs(numbers *Request, r Request, facts Facts) error {
	for _, value := range r.PID {
		pid, err := parsePID(value)
		if err != nil {
			return err
		}
		if facts.Process != nil {
			id, err := facts.Process(pid)
			if err != nil {
				return err
			}
			to.Targets, to.Children = append(to.Targets, id), r.Children
			continue
		}
		numbers.PID = append(numbers.PID, value)
		if r.Children && facts.Descendants != nil {
			numbers.PID = append(numbers.PID, decimals(facts.Descendants(pid))...)
		}
	}
	return nil
}

func resolveNetns(numbers *Request, r Request, facts Facts) error {
	if facts.Netns == nil {
		numbers.Netns = r.Netns
		return nil
	}
	for _, name := range r.Netns {
		inodes, err := facts.Netns(name)
		if err != nil {
			return err
		}
		numbers.Netns = append(numbers.Netns, decimals(inodes)...)
	}
	return nil
}

func decimals(numbers []uint32) []string {
	var texts []string
	for _, n := range numbers {
		texts = append(texts, decimal(n))
	}
	return texts
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
