package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
)

// Subjects are the processes and network namespaces that a recording describes: what
// --children and --netns refer to.
type Subjects struct {
	children map[uint32][]uint32 // by the pid of the parent
	netns    map[string][]uint32 // inodes by name: a name may have passed to another namespace
}

// ReadSubjects reads the whole recording for its subjects, and rewinds it.
func ReadSubjects(ctx context.Context, from *Reader) (*Subjects, error) {
	s := &Subjects{children: map[uint32][]uint32{}, netns: map[string][]uint32{}}
	for {
		batch, err := from.Read(ctx)
		for i := range batch.Events {
			s.addFact(batch.Events[i].Fact)
		}
		if errors.Is(err, io.EOF) {
			return s, from.Rewind()
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *Subjects) addFact(fact event.Fact) {
	switch fact := fact.(type) {
	case *event.Process:
		s.children[fact.PPID] = append(s.children[fact.PPID], fact.ID.PID)
	case *event.Netns:
		s.netns[fact.Name] = append(s.netns[fact.Name], fact.Inode)
	}
}

// Descendants returns the children of the process, their children and so on, each once. One
// is missing if the recording does not describe a process between them.
func (s *Subjects) Descendants(pid uint32) []uint32 {
	all := []uint32{pid}
	seen := map[uint32]bool{pid: true}
	for i := 0; i < len(all); i++ {
		for _, child := range s.children[all[i]] {
			if !seen[child] {
				seen[child] = true
				all = append(all, child)
			}
		}
	}
	return all[1:]
}

// Netns returns the inodes of the namespaces that had the name, or the inode if name is one.
// An inode need not be in the recording.
func (s *Subjects) Netns(name string) ([]uint32, error) {
	if inodes := s.netns[name]; name != "" && len(inodes) > 0 {
		return inodes, nil
	}
	inode, err := strconv.ParseUint(name, 10, 32)
	if err != nil || inode == 0 {
		return nil, fmt.Errorf("--netns %s: the recording has no such network namespace; give a name that it shows, or an inode", name)
	}
	return []uint32{uint32(inode)}, nil
}
