package whatif

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// parseRange reads a range of ports: "32768 60999", 32768-60999 or 8080.
func parseRange(text string) (event.PortRange, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == '-' })
	if len(fields) == 1 {
		fields = append(fields, fields[0])
	}
	if len(fields) != 2 {
		return event.PortRange{}, errors.New(`must be two ports: "32768 60999"`)
	}
	low, errLow := strconv.ParseUint(fields[0], 10, 16)
	high, errHigh := strconv.ParseUint(fields[1], 10, 16)
	if errLow != nil || errHigh != nil || low == 0 {
		return event.PortRange{}, errors.New("ports are numbers from 1 to 65535")
	}
	if low > high {
		return event.PortRange{}, errors.New("the first port is above the last")
	}
	return event.PortRange{Low: uint16(low), High: uint16(high)}, nil
}

// ParsePorts reads a list of ports and ranges that a user gives, as ip_local_reserved_ports has it:
// 8080,9000-9100.
func ParsePorts(text string) (event.PortSet, error) {
	var list []event.PortRange
	for field := range strings.SplitSeq(text, ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		r, err := parseRange(field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		list = append(list, r)
	}
	return event.PortSet(nil).With(list...), nil
}

// number reads a whole number between two others.
func number(value string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("must be a number from %d to %d", least, most)
	}
	return n, nil
}

// duration reads a number of a unit, or a duration with its own unit, within bounds.
func duration(value string, unit, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if n, notNumber := strconv.ParseInt(value, 10, 64); notNumber == nil {
		d, err = time.Duration(n)*unit, nil
		if n > int64(most/unit) {
			d = most + 1
		}
	}
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("must be from %s to %s", plain(least), plain(most))
	}
	return d, nil
}

// plain returns a duration without zero minutes and seconds.
func plain(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
