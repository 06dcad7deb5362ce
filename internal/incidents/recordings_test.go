package incidents

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/lab/need"
)

var recordInto = flag.String("record", "", "write the recordings of package recorded to this folder")

// maxRecording is how many bytes a recording of the repository may have.
const maxRecording = 200 << 10

// scene is an incident that is recorded for package recorded: what an engineer is called for.
type scene struct {
	name   string // of the recording, of the client's namespace, and of the unit of its programs
	needs  []string
	begin  time.Duration // when its programs are started; negative: before the recording begins
	length time.Duration // of the recording
	start  func(*site) check
	// pid returns the process that the recording is limited to, as by --pid; nil: none.
	pid func() int

	site  *site
	check check
	file  string // what was recorded, of the whole host
}

// sceneTime is how long the loads run under a recording.
const sceneTime = 85 * time.Second

// TestRecordings records the incidents that the screen is tested and shown with, all at the same
// time, each in namespaces of its own.
func TestRecordings(t *testing.T) {
	if *recordInto == "" {
		t.Skip("it is no test: make incidents-recordings writes the recordings of package recorded with it")
	}
	need.Root(t, "attaching to the kernel")
	need.BTF(t)
	into, err := filepath.Abs(*recordInto)
	noError(t, err)
	binary, w := build(t), newWarden(t)
	scenes := allScenes()
	for i := range scenes {
		sc := &scenes[i]
		need.Programs(t, sc.needs...)
		sc.site = newSite(t, 100+i, sc.name, w, nil)
		sc.site.nameNetns(t, sc.name)
		sc.site.ownCgroup(t, sc.name+".service")
	}
	slices.SortStableFunc(scenes, func(a, b scene) int { return cmp.Compare(a.begin, b.begin) })

	noError(t, play(t, scenes, w, binary))
	for i := range scenes {
		if err := scenes[i].write(into); err != nil {
			t.Errorf("%s: %v", scenes[i].name, err)
		}
	}
}

// play starts the scenes in their order, and a recording of the whole host when it is its time,
// with one more for each scene that is limited to a process.
func play(t *testing.T, scenes []scene, w *warden, binary string) error {
	t.Helper()
	dir := t.TempDir()
	var running []*recording
	record := func(name string, flags ...string) {
		r, err := startRecording(w, binary, filepath.Join(dir, name), append(flags, "-d", sceneTime.String())...)
		noError(t, err)
		running = append(running, r)
	}
	began := time.Now().Add(-scenes[0].begin)
	for i := range scenes {
		sc := &scenes[i]
		if sc.begin >= 0 && len(running) == 0 {
			time.Sleep(time.Until(began))
			record("host.ptrace")
			began = time.Now()
			for j := range scenes[:i] {
				if scenes[j].pid != nil {
					record(scenes[j].name, "--pid", strconv.Itoa(scenes[j].pid()))
				}
			}
		}
		time.Sleep(time.Until(began.Add(sc.begin)))
		sc.check = sc.start(sc.site)
	}
	return end(scenes, running)
}

// end waits for the recordings, and asks whether the scenes were what they are meant to be.
func end(scenes []scene, running []*recording) error {
	var errs []error
	for _, r := range running {
		errs = append(errs, r.end())
	}
	for i := range scenes {
		sc := &scenes[i]
		sc.file = running[0].file
		if sc.pid != nil {
			sc.file = filepath.Join(filepath.Dir(sc.file), sc.name)
		}
		if err := errors.Join(sc.site.err, sc.check()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w\n%s", sc.name, err, sc.site.logs()))
		}
	}
	return errors.Join(errs...)
}

// write writes what is of the client's namespace.
func (sc *scene) write(into string) error {
	to := filepath.Join(into, sc.name+".ptrace")
	if err := trim(sc.file, to, sc.site, sc.length); err != nil {
		return err
	}
	info, err := os.Stat(to)
	if err == nil && info.Size() > maxRecording {
		err = fmt.Errorf("%d KiB, more than %d", info.Size()>>10, maxRecording>>10)
	}
	return err
}

// nameNetns gives the client's namespace a name, as ip-netns(8) does, until the test ends.
func (s *site) nameNetns(t *testing.T, name string) {
	t.Helper()
	const dir = "/run/netns"
	noError(t, os.MkdirAll(dir, 0o755))
	path := filepath.Join(dir, name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	noError(t, err, file.Close())
	t.Cleanup(func() { noErrorf(t, os.Remove(path)) })
	noError(t, s.client.Do(func() error {
		return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}))
	t.Cleanup(func() { noErrorf(t, unix.Unmount(path, unix.MNT_DETACH)) })
}

// ownCgroup makes the client's programs a unit, as systemd would.
func (s *site) ownCgroup(t *testing.T, unit string) {
	t.Helper()
	root, err := cgroupRoot()
	noError(t, err)
	slice := filepath.Join(root, "porttrace.slice")
	noError(t, os.MkdirAll(slice, 0o755))
	path := filepath.Join(slice, unit)
	noError(t, os.Mkdir(path, 0o755))
	t.Cleanup(func() {
		s.stop()
		noErrorf(t, os.Remove(path))
		_ = os.Remove(slice) // fails while another has a unit in it
	})
	s.cgroup, err = os.Open(path)
	noError(t, err)
	t.Cleanup(func() { noErrorf(t, s.cgroup.Close()) })
}

// cgroupRoot returns where the unified hierarchy is mounted.
func cgroupRoot() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "cgroup2" {
			return fields[1], nil
		}
	}
	return "", errors.New("no cgroup2 is mounted")
}

// TestScenesAreListed compares the scenes with what package recorded lists.
func TestScenesAreListed(t *testing.T) {
	t.Parallel()
	listed := map[string]time.Duration{}
	for _, incident := range recorded.Incidents() {
		for _, moment := range incident.Moments {
			listed[incident.Name] = max(listed[incident.Name], moment.At)
		}
	}
	for _, sc := range allScenes() {
		if last, ok := listed[sc.name]; !ok || last > sc.length {
			t.Errorf("%s: its last moment is at %s of %s", sc.name, last, sc.length)
		}
		delete(listed, sc.name)
	}
	if len(listed) > 0 {
		t.Errorf("there is no scene for %v", listed)
	}
}
