package lab

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// goThread runs fn on a goroutine that is locked to a thread of its own and
// whose thread ends with it, so fn may change the thread's namespace.
//
// It is never the main thread: that one cannot end, and its namespace is the
// one that /proc/PID/net shows for the whole process.
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
		<-locked // the main thread is busy here, so the goroutine got another
		runtime.UnlockOSThread()
	}()
}
