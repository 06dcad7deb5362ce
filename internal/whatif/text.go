package whatif

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/porttrace/porttrace/internal/phrase"
)

// Text writes one answer for people.
func Text(to io.Writer, a *Answer) error {
	var b strings.Builder
	b.WriteString(a.verdict() + "\n")
	for _, line := range a.lines() {
		b.WriteString(line + "\n")
	}
	if a.Explain {
		b.WriteString("\n" + strings.Join(a.Config.Explain(a.System), "\n") + "\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func (a *Answer) lines() []string {
	var lines []string
	add := func(name, text string) { lines = append(lines, fmt.Sprintf("  %-12s %s", name, text)) }
	r := &a.Result
	if a.Load != "" {
		add("load", a.Load)
		add("ports", fmt.Sprintf("%s of %s in use at most, headroom %s", phrase.Grouped(r.Peak), phrase.Grouped(r.Capacity), phrase.Grouped(uint64(r.Headroom()))))
		add("failures", a.failures())
	}
	if !r.Survives && r.Cause == NoPort {
		add("seen as", a.Config.Profile.Symptoms)
	}
	add("sustainable", a.sustained())
	if r.MostWaiting > 0 {
		add("waiting", phrase.Grouped(r.MostWaiting)+" at most waited at a time, for a connection or for the half-open limit")
	}
	if r.Overflows > 0 {
		add("TIME_WAIT", fmt.Sprintf("%s left none: tcp_max_tw_buckets is %s", phrase.Plural(r.Overflows, "connection"), phrase.Grouped(a.System.MaxTimeWait)))
	}
	if a.Solution != nil {
		add("solved", a.solution())
	}
	for _, note := range a.notes() {
		add("note", note)
	}
	return lines
}

func (a *Answer) failures() string {
	r := &a.Result
	of := phrase.Plural(r.Requests, "call")
	if r.Requests != r.Opens {
		of = phrase.Plural(r.Requests, "request") + " on " + phrase.Plural(r.Opens, "connection")
	}
	if r.Failures == 0 {
		return "none of " + of + a.unplaced()
	}
	text := fmt.Sprintf("%s of %s: ", phrase.Grouped(r.Failures), of)
	switch r.Cause {
	case TooManyTCBs:
		text += fmt.Sprintf("MaxFreeTcbs allows %s connections with those in TIME_WAIT", phrase.Grouped(a.System.MaxTCBs))
	case TooManyConnect:
		text += fmt.Sprintf("TcpNumConnections allows %s", phrase.Grouped(a.System.MaxConnections))
	default:
		text += "no free port"
	}
	if r.Where != "" {
		text += ", first for " + r.Where
	}
	return text + a.unplaced()
}

// unplaced says what has no port, or is refused by another limit, and is no call of the recording.
func (a *Answer) unplaced() string {
	n := a.Result.Unplaced
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s of the sockets that were there before have no place, either", phrase.Grouped(n))
}

func (a *Answer) sustained() string {
	r := &a.Result
	if r.Sustainable <= 0 {
		return "no limit by ports"
	}
	text := rateText(r.Sustainable)
	if textbook := a.System.textbook(); sameRate(textbook, r.Sustainable) {
		text += fmt.Sprintf(" (%s ports / %s)", phrase.Grouped(a.System.Ports), plainSeconds(a.System.TimeWait))
		if a.Config.Profile.linux {
			text += "; " + kernelRate(a.System.Ports)
		}
	}
	if s := &a.System; s.TimerStep > 0 && !s.Reuse {
		text += fmt.Sprintf(" in the mean; as timers expire in steps of %s, an even load without any failure is %.1f %% less",
			plainSeconds(s.TimerStep), 100*(1-s.saturatedWait().Seconds()/(s.TimeWait+s.TimerStep).Seconds()))
	}
	return text
}

func sameRate(a, b float64) bool { return a > 0 && b/a > 0.9999 && b/a < 1.0001 }

// Table writes several answers for people, one a line.
func Table(to io.Writer, answers []Answer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if len(answers) > 0 && answers[0].Load != "" {
		fmt.Fprintf(w, "load: %s\n\n", answers[0].Load)
	}
	fmt.Fprintln(w, "PROFILE\tSURVIVES\tFIRST FAILURE\tFAILURES\tPEAK\tCAPACITY\tSUSTAINABLE\tSYSTEM")
	for i := range answers {
		a := &answers[i]
		r := &a.Result
		survives, first := "yes", "-"
		switch {
		case a.Load == "":
			survives = "-"
		case !r.Survives:
			survives, first = "no", phrase.Spelled(r.FirstFailure)
		}
		sustainable := "-"
		if r.Sustainable > 0 {
			sustainable = rateText(r.Sustainable)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Name(), survives, first, phrase.Grouped(r.Failures),
			phrase.Grouped(r.Peak), phrase.Grouped(r.Capacity), sustainable, a.Config.Profile.Title)
	}
	return w.Flush()
}
