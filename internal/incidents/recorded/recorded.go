// Package recorded has recordings of incidents, each of one network namespace of a host, for tests
// of what reads recordings, and for the pictures of the screen. Real programs were recorded by
// "make incidents-recordings", which writes all of them again; README.md describes them.
package recorded

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/porttrace/porttrace/internal/record"
)

//go:embed testdata/*.ptrace
var files embed.FS

// Incident is a recording.
type Incident struct {
	Name    string // of its file without .ptrace, and of its namespace
	What    string
	Moments []Moment
}

// Moment is one at which there is something to see.
type Moment struct {
	Name string
	At   time.Duration // since the recording began
	What string
}

// Names of moments. Every incident has Worst: what an engineer sees who is called.
const (
	Early = "early"
	Worst = "worst"
	Later = "later"
)

// Incidents returns all of them.
func Incidents() []Incident {
	return []Incident{
		{Name: "proxy", What: "nginx makes a connection for each request: 80 a second, of 1,000 ports", Moments: []Moment{
			{Early, 9 * time.Second, "the ports fill up"},
			{Worst, 40 * time.Second, "all ports are in TIME_WAIT, no connect succeeds"},
			{Later, 79 * time.Second, "they were free after 60 s, and are full again"},
		}},
		{Name: "billing", What: "billing.py leaks 39 connections a second to a database, which closes its ends; cache.py is healthy", Moments: []Moment{
			{Early, 12 * time.Second, "half a minute before the ports are full"},
			{Worst, 55 * time.Second, "full of CLOSE_WAIT; the program was there before the recording"},
		}},
		{Name: "billing-pid", What: "the same, recorded with --pid", Moments: []Moment{
			{Early, 12 * time.Second, "half a minute before the ports are full"},
			{Worst, 50 * time.Second, "full"},
		}},
		{Name: "prices", What: "a shell loop runs a curl for each request, of 400 ports", Moments: []Moment{
			{Early, 3 * time.Second, "the ports fill up"},
			{Worst, 45 * time.Second, "each curl fails, and each is a process of its own"},
		}},
		{Name: "edge", What: "HAProxy has 200 source ports for more clients than that, which it refuses", Moments: []Moment{
			{Worst, 50 * time.Second, "no call fails, as it makes none: a solid block of 200 ports"},
		}},
		{Name: "sync", What: "sync.py binds to an address before it connects, to four destinations; 63 a second of 1,000 ports", Moments: []Moment{
			{Early, 8 * time.Second, "half of the ports are gone, for all destinations"},
			{Worst, 45 * time.Second, "bind() finds no port"},
		}},
		{Name: "web", What: "a service cannot listen on its port 40740: it is the local port of a connection of worker.py", Moments: []Moment{
			{Worst, 40 * time.Second, "each start of the service fails"},
		}},
		{Name: "notify", What: "notify.py connects to a peer that drops its SYN, and gives up after 3 s: 19 a second", Moments: []Moment{
			{Early, 2 * time.Second, "nothing has been given up yet"},
			{Worst, 40 * time.Second, "all were given up"},
		}},
		{Name: "crawler", What: "healthy: busy.py makes 80 connections a second to 40 hosts", Moments: []Moment{
			{Worst, 38 * time.Second, "thousands of TIME_WAIT, and no trouble"},
		}},
	}
}

// Find returns the incident and its moment of these names.
func Find(name, moment string) (Incident, Moment, error) {
	for _, incident := range Incidents() {
		for _, m := range incident.Moments {
			if incident.Name == name && m.Name == moment {
				return incident, m, nil
			}
		}
	}
	return Incident{}, Moment{}, fmt.Errorf("no incident %q with a moment %q", name, moment)
}

// File returns the recording as it is in its file.
func File(name string) ([]byte, error) {
	return fs.ReadFile(files, "testdata/"+name+".ptrace")
}

// Open returns a reader of the recording.
func Open(name string) (*record.Reader, error) {
	file, err := File(name)
	if err != nil {
		return nil, err
	}
	return record.NewReader(bytes.NewReader(file), int64(len(file)))
}
