package main

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// command is one line of stdin.
type command struct {
	// open: streams to open, which answers when each has answered all it asked for.
	// reopen: closes the streams and opens as many anew; they report what they have, if Report was set when they were opened.
	// close: closes the streams.
	// changes: changes one after the other, each when the one before has arrived everywhere and a pause is over.
	// rate: changes at a fixed rate, waiting for none but the last.
	// await: waits until a change that someone else makes has arrived.
	// strangers: fails unless the server refuses clients without a certificate of its CA.
	Op string
	// open
	Streams int
	Delta   bool
	Mode    string // "clusters", "endpoints" (Names of Total each), "envoy" (all types of Total clusters), "mute" (never reads), "own clusters" and "own routes" (streams of the type's own service)
	Names   int
	Total   int
	Window  int32  // HTTP/2 flow control window, in bytes
	Refuse  string // a response that contains it is refused
	Report  bool   // delta: what is taken is written down, to be reported at reopen
	IDs     int    // how many node ids the streams share; 0: each has its own
	Tickets bool   // TLS: each client keeps the session tickets that it gets, and uses them at reopen
	// changes, rate, await
	From      int
	Count     int
	Index     int // of the resource that changes
	Expect    int // how many streams see it
	PauseMs   int
	PerSecond int
	TimeoutMs int
}

// answer times are in milliseconds.
type answer struct {
	// Until all streams were done: one value for open, rate and await, one for each of the changes.
	Ms []float64 `json:"ms"`
	// Over all streams and changes.
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Bytes int64   `json:"bytes"`
	// Responses received.
	Responses int64 `json:"responses"`
	// rate: changes that the server took; fewer than were to be made where it takes them more slowly than they come.
	Changes int `json:"changes,omitempty"`
	// TLS handshakes, and how many of them resumed a session.
	Handshakes int `json:"handshakes,omitempty"`
	Resumed    int `json:"resumed,omitempty"`
}

type fleet struct {
	address      string
	admin        *bufio.ReadWriter
	certificates *certificates // nil: plain text
	streams      []*stream
	arrived      chan struct{} // one for each stream that is done with what is awaited

	mu         sync.Mutex
	awaited    string // marker of the change that is waited for
	since      time.Time
	latencies  []float64
	bytes      int64
	responses  int64
	handshakes int
	resumed    int
}

func newFleet(address, admin string, certificates *certificates) *fleet {
	f := &fleet{address: address, certificates: certificates, arrived: make(chan struct{}, 1<<20)}
	if admin != "" {
		conn, err := net.Dial("tcp", admin)
		if err != nil {
			panic(err)
		}
		f.admin = bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	}
	return f
}

func (f *fleet) run(c command) (answer, error) {
	if c.TimeoutMs == 0 {
		c.TimeoutMs = 60_000
	}
	switch c.Op {
	case "open":
		return f.open(c)
	case "close":
		f.close()
		return answer{}, nil
	case "reopen":
		return f.reopen(c)
	case "changes":
		return f.changes(c)
	case "rate":
		return f.rate(c)
	case "await":
		f.await(c.From)
		return f.waitFor(c)
	case "strangers":
		return answer{}, f.strangers()
	}
	return answer{}, fmt.Errorf("no such command")
}

func (f *fleet) open(c command) (answer, error) {
	f.await(-1)
	first := len(f.streams)
	for i := range c.Streams {
		f.streams = append(f.streams, newStream(f, c, first+i))
	}
	f.dial(f.streams[first:])
	if c.Mode == "mute" {
		return answer{}, nil
	}
	c.Expect = c.Streams
	return f.waitFor(c)
}

func (f *fleet) reopen(c command) (answer, error) {
	f.close()
	f.await(-1)
	for i, s := range f.streams {
		f.streams[i] = s.again()
	}
	f.dial(f.streams)
	c.Expect = len(f.streams)
	return f.waitFor(c)
}

func (f *fleet) close() {
	for _, s := range f.streams {
		s.close()
	}
}

// dial connects the streams: as many at once as a fleet that starts together makes; more only fill the listen queue.
func (f *fleet) dial(streams []*stream) {
	dials := make(chan struct{}, 256)
	for _, s := range streams {
		dials <- struct{}{}
		go s.run(func() { <-dials })
	}
}

func (f *fleet) changes(c command) (answer, error) {
	var all answer
	var latencies []float64
	for k := c.From; k < c.From+c.Count; k++ {
		f.await(k)
		if err := f.order(fmt.Sprintf("change %d %d", k, c.Index)); err != nil {
			return all, err
		}
		one, err := f.waitFor(c)
		if err != nil {
			return all, fmt.Errorf("change %d: %w", k, err)
		}
		all.Ms = append(all.Ms, one.Ms[0])
		all.Bytes += one.Bytes
		all.Responses += one.Responses
		latencies = append(latencies, f.latencies...)
		time.Sleep(time.Duration(c.PauseMs) * time.Millisecond)
	}
	all.P50, all.P99 = percentiles(latencies)
	return all, nil
}

func (f *fleet) rate(c command) (answer, error) {
	f.await(-2) // nothing yet
	last := c.From + c.Count - 1
	interval := time.Second / time.Duration(c.PerSecond)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	end := time.Now().Add(time.Duration(c.Count) * interval)
	made := 0
	for more := true; more; {
		<-tick.C
		k := c.From + made
		made++
		if more = k < last && time.Now().Before(end); !more {
			f.await(k)
		}
		if err := f.order(fmt.Sprintf("change %d %d", k, c.Index)); err != nil {
			return answer{}, err
		}
	}
	all, err := f.waitFor(c)
	all.Changes = made
	return all, err
}

// await forgets what was measured, and starts to wait for a change; negative: for the streams' first answers.
func (f *fleet) await(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited = fmt.Sprintf("change-%08d", change)
	f.since = time.Now()
	f.latencies, f.bytes, f.responses = nil, 0, 0
	f.handshakes, f.resumed = 0, 0
}

// order has the server do something; it answers when it is done.
func (f *fleet) order(line string) error {
	if _, err := f.admin.WriteString(line + "\n"); err != nil {
		return err
	}
	if err := f.admin.Flush(); err != nil {
		return err
	}
	_, err := f.admin.ReadString('\n')
	return err
}

// received books a response of a stream; done: it has what it waits for, first with this one.
func (f *fleet) received(size int, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes += int64(size)
	f.responses++
	if done {
		f.latencies = append(f.latencies, milliseconds(time.Since(f.since)))
		f.arrived <- struct{}{}
	}
}

func (f *fleet) waitFor(c command) (answer, error) {
	timeout := time.NewTimer(time.Duration(c.TimeoutMs) * time.Millisecond)
	defer timeout.Stop()
	for i := range c.Expect {
		select {
		case <-f.arrived:
		case <-timeout.C:
			return answer{}, fmt.Errorf("%d of %d streams after %d ms", i, c.Expect, c.TimeoutMs)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p50, p99 := percentiles(f.latencies)
	return answer{
		Ms: []float64{milliseconds(time.Since(f.since))}, P50: p50, P99: p99, Bytes: f.bytes, Responses: f.responses,
		Handshakes: f.handshakes, Resumed: f.resumed,
	}, nil
}

func percentiles(values []float64) (p50, p99 float64) {
	if len(values) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2], sorted[len(sorted)*99/100]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
