package live

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

// surroundings are the network namespaces of this host, as people know them and as they
// hand out ports.
type surroundings struct {
	spaces  *netns.Namespaces
	seen    map[uint32]bool // those to tell of
	names   names
	configs func() ([]event.Netns, error) // of all that a process is in, without entering them
}

func newSurroundings(configs func() ([]event.Netns, error)) surroundings {
	return surroundings{spaces: netns.New(), seen: map[uint32]bool{}, names: names{}, configs: configs}
}

func (s *surroundings) begin() error {
	if err := s.spaces.Discover(); err != nil {
		return fmt.Errorf("looking for network namespaces: %w", err)
	}
	return nil
}

// inodes are those of the namespaces that there are.
func (s *surroundings) inodes() []uint32 {
	inodes := make([]uint32, 0, len(s.seen))
	for inode := range s.seen {
		inodes = append(inodes, inode)
	}
	slices.Sort(inodes)
	return inodes
}

// facts is what is true of them now.
func (s *surroundings) facts() []event.Netns {
	for _, inode := range s.spaces.Inodes() {
		s.seen[inode] = true
	}
	configs := s.readConfigs()
	facts := s.spaces.Refresh(s.inodes())
	for i := range facts {
		n := &facts[i]
		if n.TimeWait < 0 { // it has gone, or cannot be read; an event brings it back
			delete(s.seen, n.Inode)
			continue
		}
		config, known := configs[n.Inode]
		if !known { // no process is in it
			config, _ = s.spaces.Config(n.Inode) // where it may not be entered, nothing is known
		}
		config.Inode, config.Name, config.TimeWait = n.Inode, n.Name, n.TimeWait
		*n = config
		n.Name = s.name(n)
	}
	return facts
}

func (s *surroundings) readConfigs() map[uint32]event.Netns {
	list, err := s.configs()
	if err != nil {
		return nil // event.SignalCensus is off
	}
	configs := make(map[uint32]event.Netns, len(list))
	for _, n := range list {
		configs[n.Inode] = n
	}
	return configs
}
