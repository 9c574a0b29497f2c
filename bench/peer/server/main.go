// Command server is the peer: go-control-plane, serving the resources of the benchmark. It prints {"port", "admin"} when it listens.
// On the admin port, one command a line, one JSON line in answer: "change <number> <index>", "changes <from> <count> <n> <pause>", "gc".
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// fleet puts all nodes into one group.
type fleet struct{}

func (fleet) ID(*corev3.Node) string { return "fleet" }

// state is what is served, in the cache of the user's choice.
type state struct {
	mu        sync.Mutex
	kind      string
	linear    *cache.LinearCache
	snapshots cache.SnapshotCache
	resources map[resource.Type][]types.Resource
}

func main() {
	kind := flag.String("type", "cluster", "what changes: cluster or endpoint")
	n := flag.Int("n", 100, "how many clusters")
	cacheName := flag.String("cache", "snapshot", "snapshot or linear")
	all := flag.Bool("all", false, "serve endpoints, a listener and its routes besides")
	folder := flag.String("tls", "", "the folder of the certificates; empty: plain text")
	flag.Parse()
	s := &state{kind: *kind, resources: make(map[resource.Type][]types.Resource)}
	s.fill(*n, *all)
	var c cache.Cache
	if *cacheName == "linear" {
		c = s.serveLinear()
	} else {
		s.snapshots = cache.NewSnapshotCache(false, fleet{}, nil)
		c = s.snapshots
		s.publish(0)
	}

	options := []grpc.ServerOption{grpc.MaxConcurrentStreams(1_000_000)}
	if *folder != "" {
		options = append(options, grpc.Creds(mutualTLS(*folder)))
	}
	g := grpc.NewServer(options...)
	discovery.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(context.Background(), c, nil))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go s.administrate(admin)
	fmt.Printf("{\"port\":%d,\"admin\":%d}\n", l.Addr().(*net.TCPAddr).Port, admin.Addr().(*net.TCPAddr).Port)
	check(g.Serve(l))
}

// mutualTLS are the credentials of a server that verifies its clients' certificates.
func mutualTLS(folder string) credentials.TransportCredentials {
	path := func(name string) string { return filepath.Join(folder, name) }
	pair, err := tls.LoadX509KeyPair(path("server.pem"), path("server-key.pem"))
	check(err)
	ca, err := os.ReadFile(path("ca.pem"))
	check(err)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(ca)
	return credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	})
}

func (s *state) fill(n int, all bool) {
	for i := range n {
		if s.kind == "cluster" || all {
			s.resources[resource.ClusterType] = append(s.resources[resource.ClusterType], cluster(i, ""))
		}
		if s.kind == "endpoint" || all {
			s.resources[resource.EndpointType] = append(s.resources[resource.EndpointType], endpoints(i, ""))
		}
	}
	if all {
		s.resources[resource.ListenerType] = []types.Resource{listener()}
		s.resources[resource.RouteType] = []types.Resource{routes(n)}
	}
}

// changed is the type that changes, and its resource number i after change k.
func (s *state) changed(k, i int) (resource.Type, string, types.Resource) {
	if s.kind == "endpoint" {
		return resource.EndpointType, name(i), endpoints(i, marker(k))
	}
	return resource.ClusterType, name(i), cluster(i, marker(k))
}

func (s *state) serveLinear() cache.Cache {
	typeURL, _, _ := s.changed(0, 0)
	s.linear = cache.NewLinearCache(typeURL)
	byName := make(map[string]types.Resource, len(s.resources[typeURL]))
	for _, r := range s.resources[typeURL] {
		byName[cache.GetResourceName(r)] = r
	}
	s.linear.SetResources(byName)
	s.resources = nil
	return &cache.MuxCache{
		Classify:      func(r *cache.Request) string { return r.GetTypeUrl() },
		ClassifyDelta: func(r *cache.DeltaRequest) string { return r.GetTypeUrl() },
		Caches:        map[string]cache.Cache{typeURL: s.linear},
	}
}

// change makes change k to resource i.
func (s *state) change(k, i int) {
	typeURL, resourceName, changed := s.changed(k, i)
	if s.linear != nil {
		check(s.linear.UpdateResource(resourceName, changed))
		return
	}
	// What was given to a snapshot is the snapshot's: the list is copied, its resources are shared.
	list := append([]types.Resource(nil), s.resources[typeURL]...)
	list[i] = changed
	s.resources[typeURL] = list
	s.publish(k)
}

func (s *state) publish(version int) {
	snapshot, err := cache.NewSnapshot(strconv.Itoa(version), s.resources)
	check(err)
	check(s.snapshots.SetSnapshot(context.Background(), "fleet", snapshot))
}

func (s *state) administrate(l net.Listener) {
	for {
		conn, err := l.Accept()
		check(err)
		go func() {
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				fmt.Fprintf(conn, "{\"live\":%d}\n", s.obey(lines.Text()))
			}
		}()
	}
}

// obey returns how many bytes are alive, where the command is "gc".
func (s *state) obey(line string) uint64 {
	var command string
	var a, b, c, pause int
	_, _ = fmt.Sscan(line, &command, &a, &b, &c, &pause)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch command {
	case "change":
		s.change(a, b)
	case "changes":
		for k := a; k < a+b; k++ {
			s.change(k, k%c)
			time.Sleep(time.Duration(pause) * time.Millisecond)
		}
	case "gc":
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	return 0
}

func check(err error) {
	if err != nil {
		log.Println(err)
		os.Exit(1)
	}
}
