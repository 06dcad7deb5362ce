package cmdline

import "strings"

const (
	minHex    = 32 // 128 bits
	minBase64 = 24
)

// withoutTokens masks what looks like a key: long runs of hexadecimal digits, and of the
// characters of base64 that change between capitals, small letters and digits as no path does.
func withoutTokens(arg string) string {
	if len(arg) < minBase64 {
		return arg
	}
	var out strings.Builder
	kept := 0
	for begin := 0; begin < len(arg); {
		end := begin
		for end < len(arg) && base64Byte(arg[end]) {
			end++
		}
		if end == begin {
			begin++
			continue
		}
		if isToken(arg[begin:end]) {
			out.WriteString(arg[kept:begin])
			out.WriteString(masked)
			kept = end
		}
		begin = end
	}
	if kept == 0 {
		return arg
	}
	out.WriteString(arg[kept:])
	return out.String()
}

func base64Byte(c byte) bool {
	return classOf(c) != 0 || c == '+' || c == '/' || c == '-' || c == '_'
}

// classOf returns 0 for what is neither a letter nor a digit.
func classOf(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	case c >= '0' && c <= '9':
		return '0'
	}
	return 0
}

func isToken(run string) bool {
	return len(run) >= minBase64 && changes(run) || longestHex(run) >= minHex
}

// changes reports whether the class of the characters changes at every fourth of them at least:
// at two of three in random base64, at one of ten in paths and names.
func changes(run string) bool {
	var last byte
	seen, changed := "", 0
	for i := range len(run) {
		class := classOf(run[i])
		if class == 0 {
			continue
		}
		if class != last {
			changed++
			last = class
		}
		if !strings.Contains(seen, string(class)) {
			seen += string(class)
		}
	}
	return len(seen) == 3 && changed >= len(run)/4
}

// longestHex returns the length of the longest run of hexadecimal digits with a decimal one.
func longestHex(run string) int {
	longest, begin, digits := 0, 0, false
	for i := range len(run) + 1 {
		if i < len(run) && strings.IndexByte("0123456789abcdefABCDEF", run[i]) >= 0 {
			digits = digits || classOf(run[i]) == '0'
			continue
		}
		if digits {
			longest = max(longest, i-begin)
		}
		begin, digits = i+1, false
	}
	return longest
}
