package probe

import (
	"math/bits"
	"strconv"
)

// portList writes a bitmap of ports as ip_local_reserved_ports shows it, "8080,9000-9100"
// (proc_do_large_bitmap() of kernel/sysctl.c).
func portList(bitmap *[1024]uint64) string {
	var text []byte
	for port := nextPort(bitmap, 0, 0); port < 1<<16; {
		end := nextPort(bitmap, port, ^uint64(0))
		if text != nil {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(port), 10)
		if last := end - 1; last > port {
			text = strconv.AppendInt(append(text, '-'), int64(last), 10)
		}
		port = nextPort(bitmap, end, 0)
	}
	return string(text)
}

// nextPort finds the first port from there on whose bit is set, or with all ones in invert
// is not; 1<<16 is none.
func nextPort(bitmap *[1024]uint64, from int, invert uint64) int {
	for i := from / 64; i < len(bitmap); i++ {
		word := bitmap[i] ^ invert
		if i == from/64 {
			word &= ^uint64(0) << (from % 64)
		}
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return 1 << 16
}
