package phrase

import (
	"fmt"
	"strconv"
	"time"
)

// Time returns t in UTC by the layout, empty for the zero time.
func Time(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

// Duration returns a duration with three digits: 1.23ms.
func Duration(d time.Duration) string {
	unit := time.Nanosecond
	for d >= 1000*unit && unit < time.Second {
		unit *= 10
	}
	return d.Round(unit).String()
}

// ShortDuration returns a duration that may be very short in at most six cells: 1.2ms.
func ShortDuration(d time.Duration) string {
	switch {
	case d <= 0:
		return Unknown
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", d.Seconds()*1e3)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return Elapsed(d)
}

// Elapsed returns a duration in whole seconds, in its greatest two units: 1h01m.
func Elapsed(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// Spelled returns a duration as one says it, in its greatest two units: 350 ms, 60 s, 4 min 2 s.
func Spelled(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute+time.Second: // TIME_WAIT is known as 60 s
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return twoUnits(d/time.Minute, "min", d%time.Minute/time.Second, "s")
	}
	return twoUnits(d/time.Hour, "h", d%time.Hour/time.Minute, "min")
}

func twoUnits(great time.Duration, unit string, small time.Duration, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", great, unit)
	}
	return fmt.Sprintf("%d %s %d %s", great, unit, small, smallUnit)
}

// Ago returns how long before now something happened: 24s ago.
func Ago(now, then time.Time) string {
	if then.IsZero() {
		return Unknown
	}
	return Elapsed(now.Sub(then)) + " ago"
}
