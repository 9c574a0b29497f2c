package main

import (
	"bytes"
	"context"
	"fmt"
	"log"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

const (
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	routeType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	service      = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
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
	delta  bool
	mute   bool
	window int32
	steps  []step
	names  map[string][]string // by type, for the ACKs of state of the world
	seen   string              // the last change that arrived
	client grpc.ClientStream
}

func newStream(f *fleet, c command, i int) *stream {
	s := &stream{
		fleet: f, node: &corev3.Node{Id: fmt.Sprintf("node-%d", i), Cluster: "fleet"},
		delta: c.Delta, mute: c.Mode == "mute", window: c.Window, names: map[string][]string{},
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
	default:
		s.steps = []step{{clusterType, nil, c.Total}}
	}
	return s
}

func (s *stream) run(connected func()) {
	cc, err := grpc.NewClient(s.fleet.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(s.window), grpc.WithInitialConnWindowSize(s.window),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(1<<30)))
	s.must(err)
	method := service + "StreamAggregatedResources"
	if s.delta {
		method = service + "DeltaAggregatedResources"
	}
	s.client, err = cc.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	s.must(err)
	s.subscribe(s.steps[0], s.node)
	connected()
	if s.mute {
		return
	}
	s.receive()
}

func (s *stream) receive() {
	var message raw
	var step, count int
	for {
		s.must(s.client.RecvMsg(&message))
		response := read(message.bytes)
		s.ack(response)
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
		s.send(&discovery.DeltaDiscoveryRequest{Node: node, TypeUrl: to.typeURL, ResourceNamesSubscribe: to.names})
	} else {
		s.send(&discovery.DiscoveryRequest{Node: node, TypeUrl: to.typeURL, ResourceNames: to.names})
	}
}

func (s *stream) ack(r response) {
	if s.delta {
		s.send(&discovery.DeltaDiscoveryRequest{TypeUrl: r.typeURL, ResponseNonce: r.nonce})
	} else {
		s.send(&discovery.DiscoveryRequest{TypeUrl: r.typeURL, ResponseNonce: r.nonce, VersionInfo: r.version, ResourceNames: s.names[r.typeURL]})
	}
}

func (s *stream) send(m proto.Message) { s.must(s.client.SendMsg(m)) }

func (s *stream) must(err error) {
	if err != nil {
		log.Fatalf("%s: %v", s.node.GetId(), err)
	}
}
