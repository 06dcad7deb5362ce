package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lastMoment is what a second signal leaves for the command to be killed and for files to
// be closed.
const lastMoment = 500 * time.Millisecond

// urgeKey is the key of the channel that urged returns.
type urgeKey struct{}

// interruptible returns a context that the first signal ends. What runs then ends in order;
// a second signal does not wait for that, but exits.
func interruptible(exit func(status int)) context.Context {
	urge := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), urgeKey{}, urge))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		cancel()
		second := <-signals
		close(urge)
		time.Sleep(lastMoment)
		status := exitCouldNot
		if number, ok := second.(syscall.Signal); ok {
			status = 128 + int(number) // as a shell reports it
		}
		exit(status)
	}()
	return ctx
}

// urged returns a channel that a second signal closes.
func urged(ctx context.Context) <-chan struct{} {
	urge, _ := ctx.Value(urgeKey{}).(chan struct{})
	return urge
}
