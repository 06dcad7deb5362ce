package probe

import (
	"math/bits"
	"strconv"
)

// portList returns a bitmap of ports as text, as ip_local_reserved_ports has it: "8080,9000-9100"
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

// nextPort returns the first port at or after from whose bit is set, or not set if invert is
// all ones. 1<<16 means none.
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
