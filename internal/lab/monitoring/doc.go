// Package monitoring tests the alert rules and the dashboard of deploy, first by themselves, then with a
// Prometheus that scrapes the built program. It has tests only; those with a Prometheus need root.
//
//	rules      promtool: the rules parse, and fire when they should
//	names      rules and dashboard name metrics and labels that docs/metrics.md has
//	dashboard  the dashboard as Grafana reads it
//	prometheus a Prometheus, started and queried
//	run        a made exhaustion: the alert fires before the first failure and resolves after; each panel has data
package monitoring
