package incidents

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// tally is what a client counted itself. It prints it as a line of JSON each second.
type tally struct {
	mu       sync.Mutex
	Done     int            // requests that were answered
	Statuses map[string]int // answers that were not 200
	Errors   map[string]int // by name
}

func newTally() *tally { return &tally{Statuses: map[string]int{}, Errors: map[string]int{}} }

func (c *tally) status(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Done++; code != http.StatusOK {
		c.Statuses[fmt.Sprint(code)]++
	}
}

func (c *tally) failed(err error) {
	name := err.Error()
	var errno syscall.Errno
	if errors.As(err, &errno) {
		name = errno.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Errors[name]++
}

func (c *tally) print(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		c.mu.Lock()
		_ = json.NewEncoder(os.Stdout).Encode(c)
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// paced calls work at an even rate, in several goroutines, until ctx is done. What comes late is
// left out. A rate of 0 is one call after the other in each goroutine, with a pause after one that
// was in vain.
func paced(ctx context.Context, rate float64, workers int, work func() bool) {
	due := make(chan struct{})
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for range due {
				if !work() && rate == 0 {
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	defer working.Wait()
	defer close(due)
	if rate == 0 {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case due <- struct{}{}:
			}
		}
		return
	}
	every := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer every.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-every.C:
			select {
			case due <- struct{}{}:
			default:
			}
		}
	}
}

// plainTransport is one that does not ask for MPTCP.
func plainTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	dialer.SetMultipathTCP(false)
	return &http.Transport{DialContext: dialer.DialContext}
}

// runVisitors is a client that keeps its connections: it makes the load of proxies.
func runVisitors(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("visitors", flag.ContinueOnError)
	rate := flags.Float64("rate", 10, "requests per second")
	conns := flags.Int("conns", 10, "connections")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transport := plainTransport()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = *conns, *conns
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	return get(ctx, client, flags.Args(), *rate, *conns, func(r *http.Response) error {
		_, err := io.Copy(io.Discard, r.Body)
		return errors.Join(err, r.Body.Close())
	})
}

// get makes requests of the URLs in turn.
func get(ctx context.Context, client *http.Client, urls []string, rate float64, workers int, read func(*http.Response) error) error {
	count := newTally()
	var mu sync.Mutex
	next := 0
	go paced(ctx, rate, workers, func() bool {
		mu.Lock()
		url := urls[next%len(urls)]
		next++
		mu.Unlock()
		answer, err := client.Get(url)
		if err == nil {
			err = read(answer)
		}
		if err != nil {
			count.failed(err)
			return false
		}
		count.status(answer.StatusCode)
		return answer.StatusCode == http.StatusOK
	})
	count.print(ctx)
	return nil
}

// runFetcher is a Go program that uses net/http as programs do: rightly, or without reading the
// bodies, or without closing them.
func runFetcher(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fetcher", flag.ContinueOnError)
	rate := flags.Float64("rate", 10, "requests per second")
	idle := flags.Int("idle", 0, "MaxIdleConnsPerHost; 0: the default")
	body := flags.String("body", "read", "what becomes of bodies: read, close (unread) or leave (open)")
	workers := flags.Int("workers", 16, "requests at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transport := plainTransport()
	transport.MaxIdleConnsPerHost = *idle
	var left []*http.Response // so that no finalizer closes them
	var mu sync.Mutex
	client := &http.Client{Transport: transport} // its Timeout would end what is left open
	return get(ctx, client, flags.Args(), *rate, *workers, func(r *http.Response) error {
		switch *body {
		case "leave":
			mu.Lock()
			defer mu.Unlock()
			left = append(left, r)
			return nil
		case "close":
			return r.Body.Close()
		}
		_, err := io.Copy(io.Discard, r.Body)
		return errors.Join(err, r.Body.Close())
	})
}
