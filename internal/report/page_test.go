package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// pages returns a report in both formats, and fails if it is not well-formed or has a script.
func pages(t *testing.T, s *snapshot.Snapshot, findings []doctor.Finding, series *Series) (html, markdown []byte) {
	t.Helper()
	var page, text bytes.Buffer
	opts := TextOptions{Recording: "night.ptrace"}
	if err := errors.Join(HTML(&page, s, findings, series, opts), Markdown(&text, s, findings, opts)); err != nil {
		t.Fatal(err)
	}
	in := xml.NewDecoder(bytes.NewReader(page.Bytes()))
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return page.Bytes(), text.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			checkInert(t, &e)
		}
	}
}

// checkInert fails for what runs or fetches something. The test of internal/page has all that a page
// may have.
func checkInert(t *testing.T, e *xml.StartElement) {
	t.Helper()
	if slices.Contains([]string{"script", "link", "img", "image", "iframe", "object", "embed", "form", "use", "base"}, e.Name.Local) {
		t.Errorf("the page has a %s", e.Name.Local)
	}
	for _, a := range e.Attr {
		if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "src" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
			t.Errorf("%s has %s=%q", e.Name.Local, a.Name.Local, a.Value)
		}
	}
}

// TestPageOfIncidents has reports of recorded incidents: at the end of one, and while ports run out.
func TestPageOfIncidents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		incident, name string
		length         time.Duration
	}{{"proxy", "proxy", 80 * time.Second}, {"billing", "billing", 65 * time.Second}, {"proxy", "proxy_early", 10 * time.Second}} {
		var history doctor.History
		var series Series
		var last *snapshot.Snapshot
		for _, s := range recorded.Series(t, tc.incident, time.Second, tc.length, time.Second) {
			history.Add(s)
			series.Add(s)
			last = s
		}
		findings := history.Findings()
		for i := range findings {
			doctor.Effects(last, &findings[i])
		}
		html, markdown := pages(t, last, findings, &series)
		golden(t, tc.name+".html", html)
		golden(t, tc.name+".md", markdown)
	}
}

// TestPageOfHostileNames has names that try to get out of their place.
func TestPageOfHostileNames(t *testing.T) {
	t.Parallel()
	const evil = "<script>x</script>\"'|`]]>\x1b[2J\u202e[a](http://b)"
	s := busy()
	s.PortSpaces, s.Namespaces = fullSpaces(), fixtureNamespaces()
	for i := range s.Processes {
		s.Processes[i].Info.Comm, s.Processes[i].TimeWaitOut = evil, 10
	}
	for i := range s.PortSpaces {
		s.PortSpaces[i].NetnsName = evil
		for n := range s.PortSpaces[i].Holders {
			s.PortSpaces[i].Holders[n].Proc.Comm = evil
		}
	}
	s.Host.Name, s.Signals[0].Hook, s.Notices[0].Text, s.Failures[0].Proc.Comm, s.Namespaces[0].Name = evil, evil, evil, evil, evil
	findings := fixtureFindings()
	for i := range findings {
		f := &findings[i]
		f.Summary, f.Cause, f.Wrong = evil, doctor.Cause(evil), []string{evil}
		f.Evidence = append(f.Evidence, doctor.Evidence{Text: evil})
		f.Advice = append(f.Advice, doctor.Advice{Action: evil, Command: evil, Undo: evil, Risk: evil, Effect: evil})
	}
	var series Series
	for second := range 3 {
		next := *s
		next.At, next.Wall = event.Time(second+1)*event.Time(time.Second), s.Started.Add(time.Duration(second+1)*time.Second)
		series.Add(&next)
	}
	html, markdown := pages(t, s, findings, &series)
	markdown = regexp.MustCompile("(?ms)^ *```+$.*?^ *```+$").ReplaceAll(markdown, nil) // what is to be typed is shown as it is
	for format, page := range map[string][]byte{"HTML": html, "Markdown": markdown} {
		if bytes.ContainsAny(page, "\x1b\xff\u202e") || bytes.Contains(page, []byte("<script")) {
			t.Errorf("%s: a hostile name acts", format)
		}
	}
	if bytes.Contains(html, []byte("href=\"http")) || bytes.Contains(markdown, []byte("http://")) {
		t.Error("a hostile name is a link")
	}
	if n := bytes.Count(html, []byte("&lt;script&gt;x&lt;/script&gt;")); n < 20 {
		t.Errorf("the hostile names are shown %d times only", n)
	}
}

func TestPageWithoutSeries(t *testing.T) {
	t.Parallel()
	quiet := &snapshot.Snapshot{Wall: started.Add(time.Second), Started: started, Elapsed: time.Second}
	for _, s := range []*snapshot.Snapshot{quiet, busy()} {
		html, markdown := pages(t, s, fixtureFindings(), &Series{})
		if bytes.Contains(html, []byte("<svg")) || !bytes.Contains(markdown, []byte("## Verdict")) {
			t.Error("charts of nothing, or no verdict")
		}
	}
}
