package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// names are the values of an enum of trace.proto, by their numbers, without the prefix.
func names(t *testing.T, enum, prefix string) map[int]string {
	t.Helper()
	text, err := os.ReadFile("trace.proto")
	if err != nil {
		t.Fatal(err)
	}
	body := regexp.MustCompile(`(?s)enum ` + enum + ` \{(.*?)\}`).FindSubmatch(text)
	if body == nil {
		t.Fatalf("no enum %s", enum)
	}
	list := map[int]string{}
	for _, m := range regexp.MustCompile(prefix+`_(\w+) = (\d+);`).FindAllSubmatch(body[1], -1) {
		n, err := strconv.Atoi(string(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		list[n] = strings.ToLower(string(m[1]))
	}
	return list
}

// TestNumbers: files hold the numbers of package event, so those must stay what the
// schema says.
func TestNumbers(t *testing.T) {
	t.Parallel()
	hold := func(what string, got string, n int, list map[int]string) {
		if list[n] != got {
			t.Errorf("%s %d is %s, and %s in trace.proto", what, n, got, list[n])
		}
		delete(list, n)
	}
	kinds := names(t, "Kind", "KIND")
	for k, name := range map[event.Kind]string{
		event.EnterCloseWait: "enter_close_wait", event.SynAnswered: "syn_answered",
		event.Listen: "listen", event.HostKnown: "host", event.SignalsKnown: "signals", event.ClockAnchor: "clock",
		event.ProcessKnown: "process", event.NetnsKnown: "netns", event.Folded: "folded", event.HealthKnown: "health",
		event.Notice: "notice", event.Missing: "missing", event.CensusTaken: "census", event.SocketFound: "socket_found", event.SocketGone: "socket_gone",
		event.ListenEnd: "listen_end", event.NetnsCounted: "netns_counted",
		event.FilesCounted: "files_counted", event.UDPCounted: "udp_counted", event.DetailLimited: "detail_limited",
	} {
		hold("kind", name, int(k), kinds)
	}
	for _, k := range event.PublicKinds() {
		if k == event.SpaceChanged { // it follows from what is recorded
			continue
		}
		hold("kind", k.String(), int(k), kinds)
	}
	directions, ops, reasons, closers := names(t, "Direction", "DIRECTION"), names(t, "Op", "OP"), names(t, "Reason", "REASON"), names(t, "ClosedBy", "CLOSED_BY")
	for d := event.Out; d <= event.In; d++ {
		hold("direction", d.String(), int(d), directions)
	}
	for o := event.OpConnect; o <= event.OpAutobind; o++ {
		hold("op", o.String(), int(o), ops)
	}
	for r := event.RangeExhausted; r <= event.GivenUp; r++ {
		hold("reason", r.String(), int(r), reasons)
	}
	for c := event.Local; c <= event.Abort; c++ {
		hold("closed_by", c.String(), int(c), closers)
	}
	flags := names(t, "Flag", "FLAG")
	for f, name := range map[event.Flags]string{
		event.TimeWait: "time_wait", event.FinWait2: "fin_wait2", event.EarlyBind: "early_bind", event.Reused: "reused",
		event.Unanswered: "unanswered", event.InCloseWait: "in_close_wait", event.Mapped: "mapped",
		event.ReuseAddr: "reuse_addr", event.ReusePort: "reuse_port", event.NoPort: "no_port", event.HadPort: "had_port",
		event.NotSelected: "not_selected", event.OwnedByBind: "owned_by_bind", event.BeforeStart: "before_start",
		event.NoTimestamps: "no_timestamps",
	} {
		hold("flag", name, int(f), flags)
	}
	states := names(t, "State", "STATE")
	for s, name := range map[event.State]string{
		event.StateEstablished: "established", event.StateSynSent: "syn_sent", event.StateSynRecv: "syn_recv",
		event.StateFinWait1: "fin_wait1", event.StateFinWait2: "fin_wait2", event.StateTimeWait: "time_wait",
		event.StateBound: "bound", event.StateCloseWait: "close_wait", event.StateLastAck: "last_ack",
		event.StateListen: "listen", event.StateClosing: "closing",
	} {
		hold("state", name, int(s), states)
	}
	inferred := names(t, "Field", "FIELD")
	for bit := event.Field(1); bit != 0 && bit.Names() != nil; bit <<= 1 {
		hold("field", bit.Names()[0], int(bit), inferred)
	}
	for _, left := range []map[int]string{kinds, directions, ops, reasons, closers, flags, inferred, states} {
		delete(left, 0)
		if len(left) > 0 {
			t.Errorf("only in trace.proto: %v", left)
		}
	}
}

// python is Debian's own, which has the package python3-protobuf.
const python = "/usr/bin/python3"

// TestExample runs the example of docs/trace-file.md on a recording.
func TestExample(t *testing.T) {
	t.Parallel()
	need.Programs(t, "zstd", "protoc", python)
	page, err := os.ReadFile("../../docs/trace-file.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("there is no example")
	}
	if lines := strings.Count(string(example[1]), "\n"); lines > 11 {
		t.Errorf("the example has %d lines", lines)
	}
	dir := t.TempDir()
	batches := storm(500, 3, 2)
	want := map[string]int{}
	for _, b := range batches {
		for _, e := range b.events {
			if e.Kind == event.Open {
				want[strconv.Itoa(int(e.Proc.PID))]++
			}
		}
	}
	for name, content := range map[string][]byte{"example.py": example[1], "storm.ptrace": write(t, batches)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "protoc", "-I", ".", "--python_out="+dir, "trace.proto")
	out := run(t, python, filepath.Join(dir, "example.py"), filepath.Join(dir, "storm.ptrace"))
	for line := range strings.Lines(out) {
		pid, opens, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strconv.Itoa(want[pid]) != opens {
			t.Errorf("process %s opened %s, want %d", pid, opens, want[pid])
		}
		delete(want, pid)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

// TestProtoc: the whole content has a name in the schema: protoc prints fields that have
// none by their number.
func TestProtoc(t *testing.T) {
	t.Parallel()
	need.Programs(t, "zstd", "protoc", "sh")
	file := filepath.Join(t.TempDir(), "random.ptrace")
	if err := os.WriteFile(file, write(t, randomBatches(3, 50, 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := run(t, "sh", "-c", "zstd -dc "+file+" | protoc -I . --decode porttrace.trace.v1.Trace trace.proto")
	if unknown := regexp.MustCompile(`(?m)^\s*\d+[:{ ].*`).FindString(text); unknown != "" {
		t.Errorf("not in the schema: %s", unknown)
	}
	for _, word := range []string{"KIND_OPEN", "close_wait:", "port_search:", "batch_now:", "comm:", "command_line:", "ancestor {", "signal {"} {
		if !strings.Contains(text, word) {
			t.Errorf("no %s", word)
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
