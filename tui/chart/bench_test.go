package chart

import "testing"

// The pictures of a frame of 160x50: each one may cost 300 us.

func BenchmarkPortMap(b *testing.B) {
	b.ReportAllocs()
	m := usual(coloured())
	for b.Loop() {
		m.Lines(160, 10)
	}
}

// BenchmarkPortMapPorts has a slice for each port.
func BenchmarkPortMapPorts(b *testing.B) {
	b.ReportAllocs()
	m := &PortMap{Low: 32768, High: 60999, Legend: true, Palette: coloured()}
	for p := m.Low; p <= m.High; p += 2 {
		m.Slices = append(m.Slices, port(p, State(p/2%4)))
	}
	for b.Loop() {
		m.Lines(160, 10)
	}
}

func BenchmarkFill(b *testing.B) {
	b.ReportAllocs()
	f := incident(coloured())
	for b.Loop() {
		f.Lines(160, 12)
	}
}

func BenchmarkFillBraille(b *testing.B) {
	b.ReportAllocs()
	f := incident(coloured())
	f.Braille = true
	for b.Loop() {
		f.Lines(160, 12)
	}
}

func BenchmarkRate(b *testing.B) {
	b.ReportAllocs()
	r := calls(true)
	for b.Loop() {
		r.Lines(80, 8)
	}
}

// BenchmarkSparkline is a table of 50 rows with a sparkline in each.
func BenchmarkSparkline(b *testing.B) {
	b.ReportAllocs()
	values := calls(true).Series[0].Values
	for b.Loop() {
		for range 50 {
			Sparkline(values, 20, 0, pen("#ff0000"))
		}
	}
}
