package figures

import (
	"strings"
	"testing"
)

const doc = `# Accuracy

<!-- table: time_wait -->
| kernel | default |
| --- | --- |
| 5.10.0-46-cloud-amd64 amd64 | exact 1.000 1.000 7 |
<!-- end -->

The end.
`

const output = `6.12 default:     accuracy_test.go:1: accuracy: {"kernel":"6.12.1-a","arch":"amd64","hooks":"default","signal":"time_wait","mode":"inferred","right":1999,"wrong":1,"missed":0}
=== RUN TestOther
accuracy: {"kernel":"5.10.0-47-cloud-amd64","arch":"amd64","hooks":"tracepoint","signal":"time_wait","mode":"off","right":0,"wrong":0,"missed":0}
accuracy: {"kernel":"5.9.0-1-cloud-amd64","arch":"amd64","hooks":"default","signal":"time_wait","mode":"exact","right":3,"wrong":0,"missed":1,"skipped":2}
`

const want = `# Accuracy

<!-- table: time_wait -->
| kernel | default | tracepoint |
| --- | --- | --- |
| 5.9.0-1-cloud-amd64 amd64 | exact 1.000 0.750 4 <= 75.14 % (2 skipped) |  |
| 5.10.0-47-cloud-amd64 amd64 |  | off |
| 6.12.1-a amd64 | inferred 0.999 1.000 1999 <= 0.24 % |  |
<!-- end -->

The end.
`

// Figures go into their table, sorted, in place of those of an older release; putting
// them there again changes nothing.
func TestCollect(t *testing.T) {
	got, n, err := Collect(doc, output)
	if err != nil || n != 3 {
		t.Fatalf("%d figures, %v", n, err)
	}
	if got != want {
		t.Errorf("got %s", got)
	}
	if again, _, err := Collect(got, output); err != nil || again != got {
		t.Errorf("again: %v %s", err, again)
	}
}

// A figure without a place in the tables is an error.
func TestCollectErrors(t *testing.T) {
	for _, text := range []string{
		`accuracy: {"signal":"none"}`,
		`accuracy: {"signal":`,
		`privilege: {"what":"events"}`,
	} {
		if _, _, err := Collect(doc, text); err == nil {
			t.Errorf("no error of %s", text)
		}
	}
	if _, err := Find(strings.Replace(doc, end, "", 1), "time_wait"); err == nil {
		t.Error("no error of a table without an end")
	}
}
