package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// hostNetns is the name of the namespace that the host booted in.
const hostNetns = "host"

// placeholder matches what the user must fill in.
var placeholder = regexp.MustCompile(`<[a-zA-Z][^<>]*>`)

func hasPlaceholder(command string) bool { return placeholder.MatchString(command) }

// setting is a sysctl to set, and its present value. A placeholder in before: not known.
type setting struct{ key, value, before string }

// set fills in the lines that set sysctls in the namespace of the trouble, and those that
// take them back. On the host they are kept for the next boot; another namespace has them
// for as long as it lives.
func (t *trouble) set(a Advice, settings ...setting) Advice {
	if t.plan.Gone {
		a.Risk = strings.TrimSpace(a.Risk + " The namespace exists no more: set it where that is made.")
		return a
	}
	return a.set(t.enter(), t.isHost(), settings)
}

// setHost is for sysctls that only the host has.
func setHost(a Advice, settings ...setting) Advice { return a.set("", true, settings) }

func (a Advice) set(enter string, keep bool, settings []setting) Advice {
	var do, undo []string
	for _, s := range settings {
		do = append(do, fmt.Sprintf("%ssysctl -w %s=%s", enter, s.key, quoteValue(s.value)))
		if keep {
			do = append(do, fmt.Sprintf("echo '%s = %s' > %s", s.key, s.value, keptIn(s.key)))
		}
	}
	for _, s := range slices.Backward(settings) {
		undo = append(undo, fmt.Sprintf("%ssysctl -w %s=%s", enter, s.key, quoteValue(s.before)))
		if keep {
			undo = append(undo, "rm -f "+keptIn(s.key))
		}
	}
	a.Command, a.Undo = strings.Join(do, "\n"), strings.Join(undo, "\n")
	if !keep {
		a.Risk = strings.TrimSpace(a.Risk + " It lasts as long as the namespace: set it as well where that is made (docker run --sysctl, securityContext.sysctls of a pod).")
	}
	return a
}

// keptIn returns the file that sets the sysctl at boot. It comes after those of packages and
// after 99-sysctl.conf.
func keptIn(key string) string {
	return "/etc/sysctl.d/99-z-" + key[strings.LastIndexByte(key, '.')+1:] + ".conf"
}

// quoteValue quotes a value of two numbers or of none, and placeholders.
func quoteValue(value string) string {
	if value == "" || strings.ContainsAny(value, " <") {
		return `"` + value + `"`
	}
	return value
}

func (t *trouble) isHost() bool { return t.plan.Name == hostNetns }

// enter returns what runs a command in the namespace of the trouble, with a space behind it:
// nothing on the host.
func (t *trouble) enter() string {
	switch name := t.plan.Name; {
	case t.isHost(), t.plan.Inode == 0:
		return ""
	case t.isNamed():
		return "ip netns exec " + name + " "
	}
	if pid := t.pidWithin(); pid != 0 {
		return "nsenter -t " + strconv.FormatUint(uint64(pid), 10) + " -n "
	}
	return "nsenter -t <pid of a process in the namespace> -n "
}

// isNamed reports whether the name is one of ip-netns(8), and not that of the container or
// unit of its first process.
func (t *trouble) isNamed() bool {
	name := t.plan.Name
	if !plainWord.MatchString(name) || containerID.MatchString(name) {
		return false // one with other characters is not worth the risk in a command
	}
	return !slices.ContainsFunc([]string{".service", ".scope", ".slice"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// containerID matches the short id by which the namespace of a container is named.
var containerID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// pidWithin returns a process of the namespace that most likely lives when the advice is read: the
// oldest one with open connections, else the oldest; 0 without one. The program in trouble can be
// one that lives for a moment, as curl in a loop.
func (t *trouble) pidWithin() uint32 {
	rows := t.snap.Processes
	best := -1
	for i := range rows {
		p := &rows[i]
		if !t.livesWithin(p.Info.ID) {
			continue
		}
		if best < 0 || longerLived(p, &rows[best]) {
			best = i
		}
	}
	if best < 0 {
		return 0
	}
	return rows[best].Info.ID.PID
}

func longerLived(p, than *snapshot.Process) bool {
	if open := p.Live() > 0; open != (than.Live() > 0) {
		return open
	}
	return p.Info.ID.Start < than.Info.ID.Start
}

// livesWithin reports whether the process has connections in the namespace.
func (t *trouble) livesWithin(id event.ProcID) bool {
	for i := range t.snap.Pairs {
		if p := &t.snap.Pairs[i]; id.Known() && p.Proc == id && p.Netns == t.plan.Inode && !p.NetnsGone {
			return true
		}
	}
	return false
}

// plainWord matches words that the shell takes as they are.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@:+-]*$`)
