// Package monitoring tests the alert rules and the dashboard of deploy, first by themselves, then with a
// Prometheus that scrapes the built program. It has tests only; those with a Prometheus need root.
//
//	rules      promtool: the rules parse, and fire when they should
//	names      rules and dashboard name metrics and labels that docs/metrics.md has
//	dashboard  the dashboard as Grafana reads it
//	process    the built program and Prometheus, started and ended
//	prometheus a Prometheus, started and queried
//	otlp       what a collector gets is what is scraped, and a record of each failure
//	run        a made exhaustion: the alert fires before the first failure and resolves after; each panel has data
package monitoring
