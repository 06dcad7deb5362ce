package linux

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// GoThread runs fn on a goroutine with a thread of its own, which ends with fn: fn may
// change the namespaces of its thread. It is never the main thread, which cannot end, and
// whose namespaces are those that /proc/PID/ns shows for the whole process.
func GoThread(fn func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			fn()
			return
		}
		locked := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(locked)
			fn()
		}()
		<-locked // this goroutine kept the main thread, so that one got another
		runtime.UnlockOSThread()
	}()
}

// InNetns returns what fn returns on a thread that has entered the network namespace of
// the file, setns(2). It needs CAP_SYS_ADMIN.
func InNetns(file *os.File, fn func() error) error {
	done := make(chan error)
	GoThread(func() {
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering %s: %w", file.Name(), err)
			return
		}
		done <- fn()
	})
	return <-done
}
