package portspace

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// BenchmarkAdd is churn towards one destination: each connection opens and leaves a
// TIME_WAIT, which ends a minute later.
func BenchmarkAdd(b *testing.B) {
	table := tableOf(config(event.PortRange{Low: 32768, High: 60999}, ""))
	churn(b, table.Add)
}

// BenchmarkThresholds is the same with a space that is nearly full, which is reported once.
func BenchmarkThresholds(b *testing.B) {
	w := watchedOf(event.PortRange{Low: 32768, High: 60999})
	churn(b, func(e *event.Event) {
		w.Advance(e.Time)
		w.table.Add(e)
		w.Add(e)
	})
}

func churn(b *testing.B, add func(*event.Event)) {
	const perSecond = 450 // what a full range sustains
	var stream []event.Event
	for i := range 28000 {
		when := at(time.Duration(i) * time.Second / perSecond)
		port := func(e *event.Event) { e.Src.Port = uint16(32768 + i) }
		stream = append(stream, socketEvent(event.Open, "10.0.0.1:1", "10.0.0.2:80", when, port, cookie(uint64(i))),
			socketEvent(event.Close, "10.0.0.1:1", "10.0.0.2:80", when, port, flags(event.TimeWait), cookie(uint64(i))))
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range stream {
			add(&stream[i])
			stream[i].Time = stream[i].Time.Add(28000 * time.Second / perSecond)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(stream))/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
