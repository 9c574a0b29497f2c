package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"sync/atomic"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

const (
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	routeType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
)

// The services: of a stream of several types, and of those of one type.
const (
	ads           = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
	sotwMethod    = ads + "StreamAggregatedResources"
	deltaMethod   = ads + "DeltaAggregatedResources"
	clusterMethod = "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters"
	routeMethod   = "/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes"
)

func name(i int) string { return fmt.Sprintf("service-%07d.example.svc.cluster.local", i) }

// step is a type that a client asks for once it has all of the one before.
type step struct {
	typeURL string
	names   []string // empty: everything
	count   int      // how many resources make it complete
}

// stream is one client, on a connection of its own.
type stream struct {
	fleet  *fleet
	node   *corev3.Node
	method string
	delta  bool
	mute   bool
	window int32
	steps  []step
	names  map[string][]string    // by type, for the answers of state of the world
	seen   string                 // the last change that arrived
	refuse []byte                 // a response that has it is refused
	has    map[string]string      // name to version of what was taken; nil: nobody wants to know
	report map[string]string      // what the stream before this one had
	tls    tls.ClientSessionCache // the client's session tickets; nil: it keeps none
	conn   *grpc.ClientConn
	client grpc.ClientStream
	closed atomic.Bool
	ended  chan struct{}
}

func newStream(f *fleet, c command, i int) *stream {
	if c.IDs > 0 {
		i %= c.IDs
	}
	s := &stream{
		fleet: f, node: &corev3.Node{Id: fmt.Sprintf("node-%d", i), Cluster: "fleet"}, method: sotwMethod,
		delta: c.Delta, mute: c.Mode == "mute", window: c.Window, names: map[string][]string{},
		refuse: []byte(c.Refuse), ended: make(chan struct{}),
	}
	if c.Delta {
		s.method = deltaMethod
	}
	if c.Report {
		s.has = map[string]string{}
	}
	if c.Tickets {
		s.tls = tls.NewLRUClientSessionCache(1)
	}
	switch c.Mode {
	case "endpoints":
		names := make([]string, c.Names)
		for j := range names {
			names[j] = name((i*c.Names + j) % c.Total)
		}
		s.steps = []step{{endpointType, names, c.Names}}
	case "envoy":
		names := make([]string, c.Total)
		for j := range names {
			names[j] = name(j)
		}
		s.steps = []step{{clusterType, nil, c.Total}, {endpointType, names, c.Total}, {listenerType, nil, 1}, {routeType, []string{"routes"}, 1}}
	case "own clusters":
		s.method, s.steps = clusterMethod, []step{{clusterType, nil, 1}}
	case "own routes":
		s.method, s.steps = routeMethod, []step{{routeType, []string{"routes"}, 1}}
	default:
		s.steps = []step{{clusterType, nil, c.Total}}
	}
	return s
}

// close ends the stream, and returns when it has ended.
func (s *stream) close() {
	s.closed.Store(true)
	s.conn.Close()
	<-s.ended
}

// again is a new stream of the same client, for which the first response of each type is all there is to wait for if it reports what it has.
func (s *stream) again() *stream {
	next := &stream{
		fleet: s.fleet, node: s.node, method: s.method, delta: s.delta, window: s.window, names: map[string][]string{},
		refuse: s.refuse, has: s.has, report: s.has, tls: s.tls, ended: make(chan struct{}),
	}
	for _, step := range s.steps {
		if next.report != nil {
			step.count = 0
		}
		next.steps = append(next.steps, step)
	}
	return next
}

func (s *stream) run(connected func()) {
	cc, err := grpc.NewClient(s.fleet.address,
		grpc.WithTransportCredentials(s.fleet.credentials(s.tls)),
		grpc.WithInitialWindowSize(s.window), grpc.WithInitialConnWindowSize(s.window),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(1<<30)))
	s.must(err)
	s.conn = cc
	s.client, err = cc.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, s.method)
	s.must(err)
	s.subscribe(s.steps[0], s.node)
	connected()
	if s.mute {
		return
	}
	s.receive()
}

func (s *stream) receive() {
	defer close(s.ended)
	var message raw
	var step, count int
	for {
		err := s.client.RecvMsg(&message)
		if s.closed.Load() {
			return
		}
		s.must(err)
		response := read(message.bytes)
		refused := len(s.refuse) > 0 && bytes.Contains(message.bytes, s.refuse)
		if s.has != nil && !refused {
			take(message.bytes, s.has)
		}
		s.answer(response, refused)
		done := false
		if step < len(s.steps) && s.steps[step].typeURL == response.typeURL {
			count += response.count
			if count >= s.steps[step].count {
				step++
				count = 0
				if done = step == len(s.steps); !done {
					s.subscribe(s.steps[step], nil)
				}
			}
		} else if awaited := s.awaited(); awaited != s.seen && bytes.Contains(message.bytes, []byte(awaited)) {
			s.seen = awaited
			done = true
		}
		s.fleet.received(len(message.bytes), done)
	}
}

func (s *stream) awaited() string {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	return s.fleet.awaited
}

func (s *stream) subscribe(to step, node *corev3.Node) {
	s.names[to.typeURL] = to.names
	if s.delta {
		s.send(&discovery.DeltaDiscoveryRequest{Node: node, TypeUrl: to.typeURL, ResourceNamesSubscribe: to.names, InitialResourceVersions: s.report})
	} else {
		s.send(&discovery.DiscoveryRequest{Node: node, TypeUrl: to.typeURL, ResourceNames: to.names})
	}
}

func (s *stream) answer(r response, refused bool) {
	var refusal *statuspb.Status
	if refused {
		refusal = &statuspb.Status{Code: 13, Message: "refused"}
		r.version = ""
	}
	if s.delta {
		s.send(&discovery.DeltaDiscoveryRequest{TypeUrl: r.typeURL, ResponseNonce: r.nonce, ErrorDetail: refusal})
	} else {
		s.send(&discovery.DiscoveryRequest{TypeUrl: r.typeURL, ResponseNonce: r.nonce, VersionInfo: r.version, ResourceNames: s.names[r.typeURL], ErrorDetail: refusal})
	}
}

func (s *stream) send(m proto.Message) {
	if err := s.client.SendMsg(m); !s.closed.Load() {
		s.must(err)
	}
}

func (s *stream) must(err error) {
	if err != nil {
		log.Fatalf("%s: %v", s.node.GetId(), err)
	}
}
