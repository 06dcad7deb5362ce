package packaging

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

var (
	withRelease = flag.Bool("release", false, "make releases, and install them (make test-packages)")
	madeBefore  = flag.String("dist", "", "with -release: the `folder` of a release "+first+" that was made before, which saves a minute")
)

// Versions of the releases that the tests make. The second one has another porttrace.conf.
const (
	first  = "1.0.0"
	second = "1.0.1"
)

// A machine is what a command line begins with that runs there.
type machine []string

// elsewhere has another name and time zone, and its user another umask.
var elsewhere = machine{"unshare", "--uts", "bash", "-c", `hostname elsewhere && umask 077 && TZ=Pacific/Auckland "$@"`, "elsewhere"}

func (m machine) command(line ...string) *exec.Cmd {
	line = slices.Concat(m, line)
	return exec.Command(line[0], line[1:]...)
}

// release makes a release in a copy of the repository in a new folder, and returns its dist.
func release(t *testing.T, on machine, version, architectures string, change func(copied string)) string {
	t.Helper()
	copied := t.TempDir()
	run(t, on.command("bash", "-c", `cd .. && git ls-files -co --exclude-standard | tar -c -T - --ignore-failed-read | tar -x --no-same-permissions -C "$1"`, "copy", copied))
	if change != nil {
		change(copied)
	}
	cmd := on.command("bash", filepath.Join(copied, "packaging/release"))
	cmd.Env = append(os.Environ(), "VERSION=v"+version, "RELEASE_DAY=2026-11-28", "ARCHITECTURES="+architectures)
	run(t, cmd)
	return filepath.Join(copied, "dist")
}

// made is the release that most tests are of.
var made struct {
	sync.Once
	dist string
}

// firstRelease returns the folder with the files of the first version, for amd64 and arm64.
func firstRelease(t *testing.T) string {
	t.Helper()
	if !*withRelease {
		t.Skip("it makes a release, which make test-packages does")
	}
	made.Do(func() {
		if *madeBefore != "" {
			made.dist = *madeBefore
			return
		}
		dist := release(t, nil, first, "amd64 arm64", nil)
		kept, err := os.MkdirTemp("", "porttrace-dist")
		if err != nil {
			t.Fatal(err)
		}
		run(t, exec.Command("cp", "-a", dist+"/.", kept))
		made.dist = kept
	})
	if made.dist == "" {
		t.Fatal("no release was made")
	}
	return made.dist
}

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if *madeBefore == "" {
		os.RemoveAll(made.dist)
	}
	os.Exit(status)
}

// run returns what a command prints, which must succeed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, &failed)
	}
	return string(out)
}

// TestReproducible: two releases that are made in different folders, on machines and by users with other settings, have the
// same bytes, and the checksums are those of the files.
func TestReproducible(t *testing.T) {
	dist := firstRelease(t)
	need.Root(t, "another host name")
	sums := read(t, filepath.Join(dist, "SHA256SUMS"))
	if other := read(t, filepath.Join(release(t, elsewhere, first, "amd64 arm64", nil), "SHA256SUMS")); other != sums {
		t.Errorf("two builds differ:\n%s\n%s", sums, other)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	check.Dir = dist
	run(t, check)
	if files := strings.Count(sums, "\n"); files != 10 {
		t.Errorf("%d files in\n%s", files, sums)
	}
}

// TestContents: each package has what a host needs, for the right processor.
func TestContents(t *testing.T) {
	dist := firstRelease(t)
	need.Programs(t, "dpkg-deb", "rpm", "tar")
	for _, p := range []struct {
		file, arch string
		list       []string
		more       []string
	}{
		{"porttrace_1.0.0-1_amd64.deb", "amd64", []string{"dpkg-deb", "-c"}, []string{"./lib/systemd/system/porttrace.service", "./usr/share/zsh/vendor-completions/_porttrace"}},
		{"porttrace_1.0.0-1_arm64.deb", "arm64", []string{"dpkg-deb", "-c"}, []string{"./lib/systemd/system/porttrace.service"}},
		{"porttrace-1.0.0-1.x86_64.rpm", "x86_64", []string{"rpm", "-qlvp", "--nosignature"}, []string{"/usr/lib/systemd/system/porttrace.service", "/usr/share/zsh/site-functions/_porttrace"}},
		{"porttrace-1.0.0-1.aarch64.rpm", "aarch64", []string{"rpm", "-qlvp", "--nosignature"}, []string{"/usr/lib/systemd/system/porttrace.service"}},
		{"porttrace_1.0.0-r1_x86_64.apk", "x86_64", []string{"tar", "-tvzf"}, []string{"etc/init.d/porttrace", ".PKGINFO"}},
		{"porttrace_1.0.0-r1_aarch64.apk", "aarch64", []string{"tar", "-tvzf"}, []string{"etc/init.d/porttrace"}},
	} {
		file := filepath.Join(dist, p.file)
		list := run(t, exec.Command(p.list[0], append(p.list[1:], file)...))
		for _, name := range append(p.more, "usr/bin/porttrace", "etc/porttrace/porttrace.conf", "usr/share/man/man8/porttrace.8.gz",
			"usr/share/man/man8/porttrace-record.8.gz", "usr/share/bash-completion/completions/porttrace",
			"usr/share/fish/vendor_completions.d/porttrace.fish", "usr/share/doc/porttrace/third-party-licences.txt", "usr/share/doc/porttrace/copyright") {
			if !strings.Contains(list, name+"\n") {
				t.Errorf("%s lacks %s:\n%s", p.file, name, list)
			}
		}
	}
	deb := func(field, arch string) string {
		return strings.TrimSpace(run(t, exec.Command("dpkg-deb", "-f", filepath.Join(dist, "porttrace_1.0.0-1_"+arch+".deb"), field)))
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if got := deb("Architecture", arch) + " " + deb("Version", arch); got != arch+" 1.0.0-1" {
			t.Errorf("the deb of %s is of %s", arch, got)
		}
	}
	config := run(t, exec.Command("rpm", "-qcp", "--nosignature", filepath.Join(dist, "porttrace-1.0.0-1.x86_64.rpm")))
	if config != "/etc/porttrace/porttrace.conf\n" {
		t.Errorf("the settings of the rpm: %q", config)
	}
}

var relativeLink = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)|(?:src|srcset)="([^"#:]+)"`)

// TestDocuments: what the documents of a package and of a tarball link to is there, too.
func TestDocuments(t *testing.T) {
	dist := firstRelease(t)
	root := t.TempDir()
	run(t, exec.Command("dpkg-deb", "-x", filepath.Join(dist, "porttrace_1.0.0-1_amd64.deb"), root))
	run(t, exec.Command("tar", "-C", root, "-xzf", filepath.Join(dist, "porttrace-1.0.0-linux-amd64.tar.gz")))
	for _, dir := range []string{"usr/share/doc/porttrace", "porttrace-1.0.0-linux-amd64"} {
		links := 0
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".md" {
				return err
			}
			for _, link := range relativeLink.FindAllStringSubmatch(read(t, path), -1) {
				links++
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), link[1]+link[2])); err != nil {
					t.Errorf("a link of %s: %v", path, err)
				}
			}
			return nil
		})
		if err != nil || links < 100 {
			t.Errorf("%s: %d links, %v", dir, links, err)
		}
	}
}

// TestBillOfMaterials: the list has the program's libraries, and its version.
func TestBillOfMaterials(t *testing.T) {
	dist := firstRelease(t)
	for _, arch := range []string{"amd64", "arm64"} {
		text := read(t, filepath.Join(dist, "porttrace-1.0.0-linux-"+arch+".cdx.json"))
		for _, part := range []string{`"CycloneDX"`, `"github.com/cilium/ebpf"`, `"github.com/spf13/cobra"`, `"v1.0.0"`, `"std"`} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %s", arch, part)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
