package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// archive is Debian's, of one architecture, through apt with folders of its own: apt
// checks the signatures, and nothing of the system is changed.
type archive struct {
	arch string
	dir  string
	opts []string
}

// openArchive downloads the package lists once a day.
func openArchive(cache, arch string) (*archive, error) {
	a := &archive{arch: arch, dir: filepath.Join(cache, "apt-"+arch)}
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	status := filepath.Join(a.dir, "status")
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return nil, err
	}
	for _, opt := range []string{
		"Dir::State=" + filepath.Join(a.dir, "state"), "Dir::State::status=" + status,
		"Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"Dir::Etc::sourcelist=" + filepath.Join(a.dir, "sources.list"), "Dir::Etc::sourceparts=/dev/null",
		"Dir::Etc::preferences=/dev/null", "Dir::Etc::preferencesparts=/dev/null",
		"APT::Architecture=" + arch, "APT::Architectures=" + arch, "APT::Sandbox::User=root",
		"APT::Update::Post-Invoke=", "Acquire::Languages=none", "Acquire::Check-Valid-Until=false",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	} {
		a.opts = append(a.opts, "-o", opt)
	}
	return a, a.update()
}

func (a *archive) update() error {
	stamp := filepath.Join(a.dir, "updated")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < 24*time.Hour {
		return nil
	}
	main, security, err := mirrors()
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, suite := range suites {
		uri := main
		if strings.HasSuffix(suite, "-security") {
			uri = security
		}
		fmt.Fprintf(&lines, "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", uri, suite)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(lines.String()), 0o644); err != nil {
		return err
	}
	// A suite that is gone is an error to apt; the others are there all the same.
	if out, err := a.command("apt-get", "-q", "update").CombinedOutput(); err != nil {
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "E:") {
				fmt.Fprintf(os.Stderr, "vm: apt %s: %s", a.arch, hideHosts(line))
			}
		}
	}
	if lists, err := filepath.Glob(filepath.Join(a.dir, "state/lists/*_Packages*")); err != nil || len(lists) == 0 {
		return fmt.Errorf("apt got no list of packages for %s", a.arch)
	}
	return os.WriteFile(stamp, nil, 0o644)
}

// hideHosts takes the addresses out of a line of apt's.
func hideHosts(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		if strings.Contains(word, "://") {
			words[i] = "(archive)"
		}
	}
	return strings.Join(words, " ") + "\n"
}

// mirrors returns the URLs from which the system gets its packages.
func mirrors() (main, security string, err error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages").Output()
	if err != nil {
		return "", "", fmt.Errorf("asking apt for its sources: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		uri, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case strings.Contains(uri, "security") && security == "":
			security = uri
		case !strings.Contains(uri, "security") && main == "":
			main = uri
		}
	}
	if main == "" {
		return "", "", errors.New("apt has no source of packages here")
	}
	if security == "" {
		security = strings.TrimSuffix(main, "/") + "-security/"
	}
	return main, security, nil
}

func (a *archive) command(name string, args ...string) *exec.Cmd {
	return exec.Command(name, slices.Concat(a.opts, args)...)
}

// kernels are the signed kernels of a flavour.
func (a *archive) kernels(f flavour) ([]pack, error) {
	out, err := a.command("apt-cache", "dumpavail").Output()
	if err != nil {
		return nil, fmt.Errorf("listing the archive: %w", err)
	}
	var packs []pack
	var p pack
	for line := range strings.Lines(string(out)) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch field {
		case "Package":
			p = pack{name: value}
		case "Version":
			p.version = value
		case "Description":
			version, image := strings.CutPrefix(p.name, "linux-image-")
			if image && series(version) != 0 && f.has(p.name, a.arch) && !strings.Contains(value, "(meta-package)") {
				packs = append(packs, p)
			}
		}
	}
	return packs, nil
}

// fetch unpacks a kernel and the packages with its modules, once.
func (a *archive) fetch(p pack, cache string) (string, error) {
	dir := filepath.Join(cache, "kernels", p.name+"_"+p.version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part := dir + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return "", err
	}
	depends, err := a.unpack(p.name+"="+p.version, part)
	if err != nil {
		return "", err
	}
	// Since 6.19 an image comes in three packages.
	for _, d := range strings.FieldsFunc(depends, func(r rune) bool { return r == ',' || r == '|' }) {
		name, _, _ := strings.Cut(strings.TrimSpace(d), " ")
		if strings.HasPrefix(name, "linux-binary-") || strings.HasPrefix(name, "linux-modules-") {
			if _, err := a.unpack(name+"="+p.version, part); err != nil {
				return "", err
			}
		}
	}
	return dir, os.Rename(part, dir)
}

func (a *archive) unpack(what, to string) (depends string, err error) {
	tmp, err := os.MkdirTemp("", "porttrace-vm-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	download := a.command("apt-get", "-qq", "download", what)
	download.Dir = tmp
	if out, err := download.CombinedOutput(); err != nil {
		return "", fmt.Errorf("downloading %s: %w: %s", what, err, hideHosts(string(out)))
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return "", fmt.Errorf("downloading %s: %d files", what, len(debs))
	}
	if out, err := exec.Command("dpkg-deb", "-x", debs[0], to).CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpacking %s: %w: %s", what, err, out)
	}
	out, err := exec.Command("dpkg-deb", "-f", debs[0], "Depends").Output()
	return string(out), err
}
