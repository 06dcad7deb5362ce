package doctor

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// adviseFiles is for a process at its limit of open files.
func (t *trouble) adviseFiles() []Advice {
	if t.row == nil || t.row.Files == nil || t.row.Files.Limit == 0 {
		return []Advice{t.whichFiles()}
	}
	use := t.row.Files
	n := powerOfTwo(float64(2 * use.Limit))
	advice := []Advice{t.whichFiles(), t.raiseFiles(use, n)}
	if unit := t.proc.Unit; strings.HasSuffix(unit, ".service") && plainWord.MatchString(unit) {
		file := "/etc/systemd/system/" + unit + ".d/99-z-nofile.conf"
		advice = append(advice, Advice{
			Action: fmt.Sprintf("Raise it for good: LimitNOFILE of %s", unit),
			Command: lines("mkdir -p /etc/systemd/system/"+unit+".d", fmt.Sprintf(`printf '[Service]\nLimitNOFILE=%s\n' > %s`, unitLimits(use, n), file),
				"systemctl daemon-reload && systemctl restart "+unit),
			Undo:   lines("rm -f "+file, "systemctl daemon-reload && systemctl restart "+unit),
			Risk:   "The service restarts: its connections end.",
			Safety: CheckFirst,
		})
	}
	if t.recipe.files != "" {
		advice = append(advice, Advice{
			Action:  fmt.Sprintf("Or set it in the configuration of %s, and reload", t.recipe.name),
			Command: fmt.Sprintf(t.recipe.files, n),
			Undo:    "take the line out again and reload",
			Risk:    "None beyond that of the higher limit.",
			Safety:  CheckFirst,
		})
	}
	return advice
}

// needsRoot is the risk of raising a hard limit.
const needsRoot = " A hard limit is raised by root only, on the host (CAP_SYS_RESOURCE: most containers lack it), and up to fs.nr_open: " +
	"else \"Operation not permitted\", and it takes a start with a higher ulimit -n."

// raiseFiles is prlimit(1) with both limits: the soft one cannot be above the hard one, and after
// ulimit -n both are the same.
func (t *trouble) raiseFiles(use *event.FileUse, n uint64) Advice {
	pid := t.proc.ID.PID
	a := Advice{
		Action:  fmt.Sprintf("Raise the limit of %s from %s to %s open files, without a restart", t.name(), phrase.Grouped(use.Limit), phrase.Grouped(n)),
		Command: fmt.Sprintf("prlimit --pid %d --nofile=%d:%d", pid, n, max(use.Hard, n)),
		Undo:    fmt.Sprintf("prlimit --pid %d --nofile=%d:%d", pid, use.Limit, use.Hard),
		Risk:    "If the files leak, it fills up again. A program that uses select() breaks above 1,024.",
		Safety:  CheckFirst,
	}
	switch {
	case use.Hard == 0:
		// Not known: try with the hard limit as it is, else set that as well.
		a.Command = fmt.Sprintf("prlimit --pid %d --nofile=%d: 2>/dev/null || prlimit --pid %d --nofile=%d:%d", pid, n, pid, n, n)
		a.Undo = fmt.Sprintf("prlimit --pid %d --nofile=%d:", pid, use.Limit)
		a.Risk += " If the hard limit was lower, the second half raises it, and it stays raised."
		a.Risk += needsRoot
	case use.Hard < n:
		a.Risk += needsRoot
		a.Action += fmt.Sprintf("; its hard limit of %s is too low for that and is raised with it", phrase.Grouped(use.Hard))
	}
	return a
}

// unitLimits returns the value of LimitNOFILE=. A single number sets the hard limit as well, and
// would lower one that is higher.
func unitLimits(use *event.FileUse, n uint64) string {
	if use.Hard > n {
		return fmt.Sprintf("%d:%d", n, use.Hard)
	}
	return fmt.Sprint(n)
}

func (t *trouble) whichFiles() Advice {
	if !t.proc.ID.Known() {
		return Advice{}
	}
	return Advice{
		Action: fmt.Sprintf("See what %s has open: if most are sockets in one state, it is a leak, and a higher limit only delays it", t.name()),
		Command: lines(fmt.Sprintf("ls -l /proc/%d/fd | awk '{print $NF}' | sed 's/[:[].*//' | sort | uniq -c | sort -rn | head", t.proc.ID.PID),
			t.enter()+fmt.Sprintf("ss -Htanp | grep 'pid=%d,' | awk '{print $1}' | sort | uniq -c", t.proc.ID.PID)),
		Risk: nothingChanged,
	}
}
