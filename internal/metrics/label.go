package metrics

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// maxLabel is how many bytes of a value are shown.
	maxLabel = 128
	other    = "other"
	unknown  = "unknown"
	cut      = "…"
)

// text returns a value of another program as a label has it: printable UTF-8 of bounded length.
func text(value string) string {
	if len(value) > 2*maxLabel { // what is escaped gets longer, not shorter
		value = value[:2*maxLabel]
	}
	value = printable.String(value)
	if len(value) <= maxLabel {
		return value
	}
	end := maxLabel - len(cut)
	for !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end] + cut
}

// ownerKey is the labels of a program.
type ownerKey struct{ program, unit, container string }

var otherOwner = ownerKey{program: other}

// name returns the label of a program. One that is called other or unknown must not count as
// all others.
func name(program string) string {
	switch program {
	case "":
		return unknown
	case other, unknown:
		return program + " (program)"
	}
	return text(program)
}

func ownerOf(p *event.Process) ownerKey {
	return ownerKey{name(p.Program()), text(p.Unit), text(p.Container)}
}

// ownerOfPast returns the same of processes that have no row any more.
func ownerOfPast(p *snapshot.Past) ownerKey {
	if p.Others {
		return otherOwner
	}
	if p.Unknown {
		return ownerKey{program: unknown}
	}
	process := event.Process{Comm: p.Name, Script: p.Script, Exe: strings.Trim(p.Executable, "[]")}
	return ownerKey{name(process.Program()), text(p.Unit), text(p.Container)}
}

func (k ownerKey) labels() labels {
	return labelsOf(label{"program", k.program}, label{"unit", k.unit}, label{"container", k.container})
}

func netnsLabels(inode uint32, name string) labels {
	return labelsOf(label{"netns", strconv.FormatUint(uint64(inode), 10)}, label{"netns_name", text(name)})
}

// spaceLabels returns what identifies a port space.
func spaceLabels(p *snapshot.PortSpace) labels {
	saddr, daddr, dport, ports := p.Local.String(), "", "", ""
	if p.Device != 0 {
		saddr += "%" + strconv.FormatUint(uint64(p.Device), 10)
	}
	family := p.Local
	if p.Remote.Known() {
		daddr, dport, family = p.Remote.Addr.String(), strconv.Itoa(int(p.Remote.Port)), p.Remote.Addr
	}
	if p.PerSocketRange {
		ports = fmt.Sprintf("%d-%d", p.Range.Low, p.Range.High)
	}
	version := "6"
	if family.Is4() {
		version = "4"
	}
	return labelsOf(
		label{"kind", string(p.Kind)}, label{"netns", strconv.FormatUint(uint64(p.Netns), 10)}, label{"netns_name", text(p.NetnsName)},
		label{"family", version}, label{"proto", p.Proto.String()}, label{"saddr", saddr}, label{"daddr", daddr}, label{"dport", dport},
		label{"range", ports},
	)
}
