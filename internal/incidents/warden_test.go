package incidents

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// warden is a process that ends all programs when the test process ends, however that does.
// nginx and haproxy have workers, which PR_SET_PDEATHSIG does not reach: the warden knows their
// process groups.
type warden struct {
	mu sync.Mutex
	to io.WriteCloser
}

func newWarden(t *testing.T) *warden {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"warden"}
	cmd.Env = append(os.Environ(), helperEnv+"=warden")
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true} // a Ctrl-C is not for it
	to, err := cmd.StdinPipe()
	noError(t, err)
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = to.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("warden: %v", err)
		}
	})
	return &warden{to: to}
}

// watch adds a process group to those that end with the test.
func (w *warden) watch(pgid int) error {
	return w.write("+%d\n", pgid)
}

// forget takes one away: its leader was waited for, and its number can be given to another.
func (w *warden) forget(pgid int) error {
	return w.write("-%d\n", pgid)
}

func (w *warden) write(format string, pgid int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := fmt.Fprintf(w.to, format, pgid)
	return err
}

// runWarden reads process groups until its standard input ends.
func runWarden(from io.Reader) error {
	signal.Ignore(unix.SIGINT, unix.SIGTERM)
	groups := map[int]bool{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		number, err := strconv.Atoi(lines.Text()[1:])
		if err != nil {
			return err
		}
		if lines.Text()[0] == '+' {
			groups[number] = true
		} else {
			delete(groups, number)
		}
	}
	for group := range groups {
		_ = unix.Kill(-group, unix.SIGKILL) // fails only if it has ended
	}
	return lines.Err()
}
