package chart

import (
	"math"
	"math/rand"
	"time"

	"charm.land/lipgloss/v2"
)

func pen(color string) Pen {
	return NewPen(lipgloss.NewStyle().Foreground(lipgloss.Color(color)))
}

func coloured() *Palette {
	return &Palette{
		State: [States][]Pen{
			Open: {pen("#2f5f8f"), pen("#5aa7f5")}, CloseWait: {pen("#f0647a")},
			TimeWait: {pen("#8a6420"), pen("#f0b040")}, Bound: {pen("#c678dd")},
			Listener: {pen("#2faf7f")}, Reserved: {pen("#707880")}, Free: {pen("#3a4048")},
		},
		Colours: true,
		Axis:    pen("#565f6b"), Label: pen("#8a939f"),
		Threshold: pen("#9a5a2a"), Failure: pen("#ff5555"),
		Forecast: pen("#e5e9f0"), Band: pen("#4a4f58"), Now: pen("#ffffff"),
	}
}

// port returns a slice of one port.
func port(number int, state State) Slice {
	s := Slice{First: number, Last: number}
	s.Count[state] = 1
	return s
}

// narrowed is a range of 1,000 ports with each state in it.
func narrowed(palette *Palette) *PortMap {
	m := &PortMap{Low: 40000, High: 40999, Legend: true, Palette: palette}
	add := func(first, last, step int, state State) {
		for p := first; p <= last; p += step {
			m.Slices = append(m.Slices, port(p, state))
		}
	}
	add(40000, 40199, 1, Open)
	add(40200, 40399, 1, TimeWait)
	add(40400, 40449, 1, Bound)
	add(40450, 40469, 1, CloseWait)
	add(40500, 40698, 2, TimeWait)
	add(40701, 40899, 2, Open)
	add(40950, 40950, 1, Listener)
	add(40960, 40979, 1, Reserved)
	return m
}

// usual is the usual range, in slices of 28 ports that fill up towards its end.
func usual(palette *Palette) *PortMap {
	m := &PortMap{Low: 32768, High: 60999, Legend: true, Palette: palette}
	r := rand.New(rand.NewSource(1))
	for first := 32768; first <= 60999; first += 28 {
		s := Slice{First: first, Last: min(first+27, 60999)}
		used := min(float64(first-32768)/28232*1.4*(.7+r.Float64()*.6), 1)
		s.Count[TimeWait] = int32(used * 20)
		s.Count[Open] = int32(used * 8)
		m.Slices = append(m.Slices, s)
	}
	return m
}

var noon = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

// incident is a space of 1,000 ports that is full for a while, is freed, and fills up again.
func incident(palette *Palette) *Fill {
	f := &Fill{
		Capacity: 1000, From: noon.Add(-2 * time.Minute), Now: noon, Threshold: .8,
		Forecast: &Forecast{ETA: 31 * time.Second, Low: 24 * time.Second, High: 40 * time.Second},
		Ahead:    45 * time.Second, Palette: palette,
	}
	for t := range 121 {
		s := Sample{At: f.From.Add(time.Duration(t) * time.Second)}
		switch {
		case t < 30:
			s.InUse, s.TimeWait = t*32, t*22
		case t < 80:
			s.InUse, s.TimeWait, s.Failures = 1000, 800, 100
		default:
			s.InUse, s.TimeWait = 200+(t-80)*8, (t-80)*4
		}
		f.Samples = append(f.Samples, s)
	}
	return f
}

// calls is two minutes of calls, of which some fail.
func calls(colours bool) *Rate {
	r := &Rate{Series: make([]Series, 2), Span: 120, Newest: 500}
	for t := range 120 {
		v := 100 + 80*math.Sin(float64(t)/9)
		failed := 0.0
		if t%50 > 30 {
			failed = v * .7
		}
		r.Series[0].Values = append(r.Series[0].Values, v)
		r.Series[1].Values = append(r.Series[1].Values, failed)
	}
	r.Series[1].Values[40] = 1
	if colours {
		r.Series[0].Pen, r.Series[1].Pen = pen("#5aa7f5"), pen("#ff5555")
		r.Axis, r.Label = pen("#565f6b"), pen("#8a939f")
	}
	return r
}
