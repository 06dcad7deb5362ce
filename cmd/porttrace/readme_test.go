package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestOutputInTheREADME: what the README shows of doctor is what it prints of the recording that
// the README names. If the recordings were made again, copy the new lines.
func TestOutputInTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const recorded = "internal/incidents/recorded/testdata/proxy.ptrace"
	blocks := strings.Split(string(readme), "```")
	if len(blocks) != 3 || !strings.Contains(string(readme), "./porttrace doctor "+recorded+"\n") {
		t.Fatalf("the README has %d pieces, or another recording", len(blocks))
	}
	printed := doctorText(t, "../../"+recorded)
	for part := range strings.SplitSeq(blocks[1], "   [...]\n") {
		if part = strings.Trim(part, "\n"); !strings.Contains(printed, part+"\n") {
			t.Errorf("doctor does not print\n%s\nbut\n%s", part, printed)
		}
	}
}

// doctorText returns what porttrace doctor prints of a recording.
func doctorText(t *testing.T, name string) string {
	t.Helper()
	var flags doctorFlags
	flags.register(&cobra.Command{}, "verbose")
	recording, err := flags.openRecording(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	defer recording.close()
	opts, err := flags.window(recording)
	if err != nil {
		t.Fatal(err)
	}
	result, err := judge(t.Context(), recording, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var status verdictStatus
	if err := flags.write(&out, "text", result); err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	return out.String()
}
