package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// readRecords returns the records of a file in testdata, by name. The head of each file
// explains its format.
func readRecords(t testing.TB, file string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	name := ""
	for i, line := range strings.Split(string(text), "\n") {
		if header, ok := strings.CutPrefix(line, "["); ok {
			name = strings.TrimSuffix(header, "]")
			continue
		}
		field, err := readField(line)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		if name != "" {
			records[name] = append(records[name], field...)
		}
	}
	return records
}

// readField returns the bytes of one line: "text"/16, 0/16 or hexadecimal digits.
func readField(line string) ([]byte, error) {
	line = strings.TrimSpace(line)
	text := ""
	if quoted, err := strconv.QuotedPrefix(line); err == nil {
		text, _ = strconv.Unquote(quoted)
		line = "0" + line[len(quoted):]
	}
	line, _, _ = strings.Cut(line, "#")
	line = strings.ReplaceAll(line, " ", "")
	if length, ok := strings.CutPrefix(line, "0/"); ok {
		n, err := strconv.Atoi(length)
		if err != nil {
			return nil, err
		}
		return append([]byte(text), make([]byte, max(n-len(text), 0))...), nil
	}
	return hex.DecodeString(line)
}

// readAs reads consecutive structs from a record, of which nothing must be left.
func readAs(t *testing.T, record []byte, structs ...any) {
	t.Helper()
	r := bytes.NewReader(record)
	for _, s := range structs {
		if err := binary.Read(r, binary.LittleEndian, s); err != nil {
			t.Fatal(err)
		}
	}
	if r.Len() != 0 {
		t.Fatalf("%d bytes are left", r.Len())
	}
}
