// Package bounds decides how much smaller than usual the tables of this process are, where it may have
// little memory: its own tables, and the maps that it has the kernel make.
package bounds

import "sync/atomic"

const (
	// ampleMemory is from where on all tables have their usual size. Full ones take 100 MiB, with
	// what a snapshot and the collector take beside them, and the maps 33 MiB.
	ampleMemory = 256 << 20
	// maxShare is how much smaller they can become.
	maxShare = 8
)

// Share is the part of their usual size that tables have, as its inverse: a power of two, since rings
// need one as their size. 0 is the whole, too.
type Share int

// For returns the share of a process that may have that many bytes.
func For(memory uint64) Share {
	by := Share(1)
	for by < maxShare && memory < ampleMemory/uint64(by) {
		by *= 2
	}
	return by
}

// Of returns the bound of a table, by that which it usually has.
func (s Share) Of(usual int) int { return usual / int(max(s, 1)) }

// ofProcess is set once, before any table is made: one of a copy has the size of its original.
var ofProcess atomic.Int64

// Fit makes the tables of this process as large as that many bytes allow.
func Fit(memory uint64) { ofProcess.Store(int64(For(memory))) }

// OfProcess returns the share of this process, the whole unless Fit was called.
func OfProcess() Share { return Share(ofProcess.Load()) }
