package chart

import (
	"strings"
	"testing"
	"time"
)

// plot returns the lines of a chart without axis and line of time.
func plot(lines []string) []string {
	out := make([]string, len(lines)-1)
	for i := range out {
		_, out[i], _ = strings.Cut(strings.ReplaceAll(lines[i], "┤", "│"), "│")
	}
	return out
}

// steady is a space of 1,000 ports with the same use for an hour.
func steady(inUse int) *Fill {
	return &Fill{
		Capacity: 1000, From: noon.Add(-time.Hour), Now: noon,
		Samples: []Sample{{At: noon.Add(-2 * time.Hour), InUse: inUse}},
	}
}

// TestFillPeak checks that a second of fullness in an hour shows.
func TestFillPeak(t *testing.T) {
	t.Parallel()
	for _, braille := range []bool{false, true} {
		f := steady(100)
		f.Braille = braille
		f.Samples = append(f.Samples,
			Sample{At: noon.Add(-30 * time.Minute), InUse: 1000, Failures: 1},
			Sample{At: noon.Add(-30*time.Minute + time.Second), InUse: 100})
		lines := plot(f.Lines(60, 6))
		if strings.Count(lines[0], "×") != 1 || strings.TrimSpace(lines[1]) == "" {
			t.Errorf("braille %v:\n%s", braille, strings.Join(lines, "\n"))
		}
		if rest := strings.Trim(lines[1], " "); len([]rune(rest)) != 1 {
			t.Errorf("the peak is %q wide", rest)
		}
	}
}

// TestFillMarks checks that failures in each second have no gaps where a second has more than
// one column, and that the seconds before them are not marked.
func TestFillMarks(t *testing.T) {
	t.Parallel()
	for _, braille := range []bool{false, true} {
		f := steady(500)
		f.From, f.Braille, f.Samples = noon.Add(-time.Minute), braille, nil
		for i := range 61 {
			s := Sample{At: f.From.Add(time.Duration(i) * time.Second), InUse: 500}
			if i > 20 && i <= 40 {
				s.Failures = 3
			}
			f.Samples = append(f.Samples, s)
		}
		for _, width := range []int{65, 155} { // 1 s and 0.4 s a column
			marks := strings.Trim(plot(f.Lines(width, 5))[0], " ")
			each := (width - 5) / 60
			if n := strings.Count(marks, "×"); marks != strings.Repeat("×", n) || n < 20*each || n > 22*(each+1) {
				t.Errorf("braille %v, %d cells: %q", braille, width, marks)
			}
		}
	}
}

// TestFillTop checks that only a full space reaches the top, and any use shows.
func TestFillTop(t *testing.T) {
	t.Parallel()
	for inUse, want := range map[int][2]string{1000: {"█", "█"}, 999: {"▇", "█"}, 1: {" ", "▁"}, 0: {" ", " "}} {
		lines := plot(steady(inUse).Lines(60, 5))
		if got := [2]string{lines[0][:len(want[0])], lines[3][:len(want[1])]}; got != want {
			t.Errorf("%d of 1,000: %q", inUse, got)
		}
	}
}

// TestFillReusable checks that what can be reused is drawn apart, and that the forecast starts
// from what is taken.
func TestFillReusable(t *testing.T) {
	t.Parallel()
	f := steady(1000)
	f.Samples[0].TimeWait, f.Samples[0].Reusable = 750, 500
	f.From, f.Ahead = noon.Add(-time.Minute), 30*time.Second
	f.Forecast = &Forecast{ETA: time.Hour, Low: time.Hour, High: time.Hour}
	lines := plot(f.Lines(65, 5))
	for i, want := range []string{"░", "░", "▓", "█"} {
		if !strings.HasPrefix(lines[i], strings.Repeat(want, 40)) {
			t.Errorf("row %d: %q, want %s", i, lines[i], want)
		}
	}
	if !strings.HasSuffix(lines[1], "•") || strings.Contains(lines[0], "•") {
		t.Errorf("forecast:\n%s", strings.Join(lines, "\n"))
	}
}

// TestFillCapacity checks that a sample counts by the range of its time.
func TestFillCapacity(t *testing.T) {
	t.Parallel()
	f := steady(100)
	f.Samples[0].Capacity = 100
	f.Samples = append(f.Samples, Sample{At: noon.Add(-30 * time.Minute), InUse: 100})
	if got, want := plot(f.Lines(65, 5))[0], strings.Repeat("█", 30); strings.TrimSpace(got) != want {
		t.Errorf("%q", got)
	}
}

// TestFillUnknown checks that a time without knowledge is blank.
func TestFillUnknown(t *testing.T) {
	t.Parallel()
	f := steady(1000)
	f.Samples = append(f.Samples, Sample{At: noon.Add(-30 * time.Minute), InUse: -1})
	if line := plot(f.Lines(60, 4))[0]; strings.TrimRight(line, " ") != strings.Repeat("█", 27)+"█" {
		t.Errorf("%q", line)
	}
	f.Capacity = 0
	for _, line := range plot(f.Lines(60, 4)) {
		if strings.TrimSpace(line) != "" {
			t.Errorf("without a capacity: %q", line)
		}
	}
}

// TestFillKeepsShape checks that a live curve moves by whole columns.
func TestFillKeepsShape(t *testing.T) {
	t.Parallel()
	f := incident(nil)
	f.Forecast, f.Ahead, f.Threshold = nil, 0, 0
	f.Samples = f.Samples[:100]
	before := plot(f.Lines(45, 6)) // 3 s a column
	f.From, f.Now = f.From.Add(3*time.Second), f.Now.Add(3*time.Second)
	after := plot(f.Lines(45, 6))
	for i := range after {
		if was, is := []rune(before[i]), []rune(after[i]); string(was[1:]) != string(is[:len(is)-1]) {
			t.Errorf("row %d\n%s\n%s", i, before[i], after[i])
		}
	}
}

// TestTimeLineStays checks that labels do not move with the time.
func TestTimeLineStays(t *testing.T) {
	t.Parallel()
	f := steady(500)
	f.Ahead = 40 * time.Second
	want := ""
	for i := range 20 {
		f.Now = noon.Add(time.Duration(i) * 250 * time.Millisecond)
		f.From = f.Now.Add(-2 * time.Minute)
		if got := f.Lines(110, 4)[3]; want != "" && got != want {
			t.Fatalf("%s\n%s", want, got)
		} else {
			want = got
		}
	}
}

func TestFillForecast(t *testing.T) {
	t.Parallel()
	f := steady(500)
	f.From, f.Ahead = noon.Add(-time.Minute), time.Minute
	f.Forecast = &Forecast{ETA: 30 * time.Second, Low: 20 * time.Second, High: 40 * time.Second}
	lines := plot(f.Lines(65, 11)) // 60 columns, 2 s each
	top := []rune(lines[0])
	if last := strings.LastIndex(string(top), "•"); len([]rune(string(top)[:last])) != 45 {
		t.Errorf("full at %d: %s", last, string(top))
	}
	if band := []rune(strings.TrimRight(string(top), " ")); len(band) != 50 || band[39] != '░' || band[37] != ' ' {
		t.Errorf("band: %q", string(top))
	}
	f.Forecast = &Forecast{ETA: -1, Low: time.Second, High: -1}
	if all := strings.Join(f.Lines(65, 11), "\n"); strings.Contains(all, "•") || !strings.Contains(all, "in 1 min") {
		t.Errorf("never:\n%s", all)
	}
}

func TestTimeLine(t *testing.T) {
	t.Parallel()
	line := func(window time.Duration, change func(f *Fill)) string {
		f := steady(1)
		f.From = noon.Add(-window)
		change(f)
		lines := f.Lines(85, 4)
		return strings.Join(strings.FieldsFunc(strings.TrimSpace(lines[3]), func(r rune) bool { return strings.ContainsRune("─╌┤", r) }), "|")
	}
	live := func(*Fill) {}
	clock := func(f *Fill) { f.Clock = true }
	zone := func(f *Fill) { f.Clock, f.Now = true, f.Now.In(time.FixedZone("", 5*3600+1800)) }
	ahead := func(f *Fill) { f.Ahead = 30 * time.Second }
	for _, test := range []struct {
		window time.Duration
		change func(f *Fill)
		want   string
	}{
		{2 * time.Minute, live, "0%|2 min ago|1.5 min ago|1 min ago|30 s ago|now"},
		{40 * time.Second, live, "0%|40 s ago|30 s ago|20 s ago|10 s ago|now"},
		{2 * time.Hour, clock, "0%|10:00:00|10:30:00|11:00:00|11:30:00|12:00:00"},
		{4 * time.Hour, clock, "0%|08:00|09:00|10:00|11:00|12:00"},
		{2 * time.Hour, zone, "0%|15:30:00|16:00:00|16:30:00|17:00:00|17:30:00"},
		{time.Minute, ahead, "0%|1 min ago|30 s ago|now|in 30 s"},
	} {
		if got := line(test.window, test.change); got != test.want {
			t.Errorf("%v: %s, want %s", test.window, got, test.want)
		}
	}
}

func TestRounded(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "0 s", 31500 * time.Millisecond: "31 s", 59*time.Second + 1: "59 s", time.Minute: "1 min",
		90 * time.Second: "1.5 min", 10*time.Minute + 40*time.Second: "10 min", 3 * time.Hour: "3 h", 36 * time.Hour: "1.5 d",
	} {
		if got := rounded(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
