package netns

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// inside runs fn on a thread that has entered the namespace behind the file. The
// thread stays locked, so that the runtime ends it and nothing else ever runs there.
func inside(file *os.File, fn func() error) error {
	done := make(chan error)
	goThread(func() {
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", file.Name(), err)
			return
		}
		done <- fn()
	})
	return <-done
}

// goThread runs fn on a locked thread that is not the main one: that one cannot end,
// and its namespace is the one that /proc/PID shows for the whole process.
func goThread(fn func()) {
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
