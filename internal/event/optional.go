package event

// Setting is a small number that may not be known; its zero value is not. An older recording
// lacks the settings that came later.
type Setting uint8

// SettingOf returns the Setting of a known number below 255.
func SettingOf(n uint8) Setting { return Setting(n + 1) }

// Known reports whether the number is known.
func (s Setting) Known() bool { return s != 0 }

// Value returns the number, 0 if it is not known.
func (s Setting) Value() uint8 {
	if s == 0 {
		return 0
	}
	return uint8(s - 1)
}

// Counter is a count that may not be known; its zero value is not.
type Counter uint64

// CounterOf returns the Counter of a known count.
func CounterOf(n uint64) Counter { return Counter(n + 1) }

// Known reports whether the count is known.
func (c Counter) Known() bool { return c != 0 }

// Value returns the count, 0 if it is not known.
func (c Counter) Value() uint64 {
	if c == 0 {
		return 0
	}
	return uint64(c - 1)
}

// Since returns by how much the count has grown, 0 if either is not known.
func (c Counter) Since(before Counter) uint64 {
	if before == 0 || c < before {
		return 0
	}
	return uint64(c - before)
}
