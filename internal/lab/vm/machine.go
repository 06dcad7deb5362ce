package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// machine is how QEMU runs an architecture.
type machine struct {
	qemu, model, console string
}

var machines = map[string]machine{
	"amd64": {"qemu-system-x86_64", "q35", "ttyS0"},
	"arm64": {"qemu-system-aarch64", "virt", "ttyAMA0"},
}

// Processors, as QEMU runs them. Patching of the running kernel needs what multi-threaded
// emulation does not give: machines that attach many programs then oops.
var (
	virtual  = []string{"-accel", "kvm", "-cpu", "host"}
	emulated = []string{"-accel", "tcg,thread=single", "-cpu", "max"}
	// counted has a clock that counts instructions, a nanosecond each, and takes no time at
	// all while there is nothing to do. So nothing in the machine depends on how busy the
	// host is; waiting costs nothing; and an interrupt finds a program in its midst as seldom
	// as on a real processor. By the host's clock a program takes many times as long, and
	// the kernel skips as many more of its runs.
	counted = slices.Concat(emulated, []string{"-icount", "shift=0,sleep=off"})
)

// boot runs the image. Each line of a run is passed to print; the result has the status
// of each run that ended.
func boot(ctx context.Context, arch string, processor []string, img image, print func(run int, line string)) (map[int]int, error) {
	m := machines[arch]
	cmd := exec.CommandContext(ctx, m.qemu, slices.Concat(processor, []string{
		"-machine", m.model, "-m", "1G", "-smp", "2",
		"-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
		"-kernel", img.kernel, "-initrd", img.initramfs,
		"-append", "console=" + m.console + " quiet loglevel=1 panic=-1 random.trust_cpu=on",
	})...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	cmd.WaitDelay = 5 * time.Second
	console, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting QEMU: %w", err)
	}
	ended, tail := follow(console, print)
	if err := errors.Join(cmd.Wait(), ctx.Err()); err != nil {
		return ended, fmt.Errorf("the machine died: %w%s\n%s", err, tail, complaints.Bytes())
	}
	return ended, nil
}

// follow reads the console to its end, and returns the status of every run that ended and the
// lines outside of runs.
func follow(console io.Reader, print func(int, string)) (ended map[int]int, tail string) {
	ended = map[int]int{}
	current := -1
	lines := bufio.NewScanner(console)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		var run, status int
		switch {
		case matches(line, "vm: end %d %d", &run, &status):
			ended[run], current = status, -1
		case matches(line, "vm: begin %d", &run):
			current = run
		case current >= 0:
			print(current, line)
		case line != "":
			tail += "\n  " + line
		}
	}
	return ended, tail
}

func matches(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line, format, into...)
	return err == nil && n == len(into)
}

// kvmWorks reports whether the processor's own virtualisation can be used. There are hosts
// on which it is offered and a machine hangs, so an image is booted to see.
func kvmWorks(ctx context.Context, arch string, img image) bool {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil || arch != runtime.GOARCH {
		return false
	}
	device.Close()
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	works := false
	// The machine is stopped at its first line, or if there is none in time.
	_, _ = boot(ctx, arch, virtual, img, func(int, string) { works = true; cancel() })
	return works
}
