package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// raw is a message that is not decoded, so that the client costs little.
type raw struct{ bytes []byte }

type codec struct{}

func (codec) Marshal(v any) ([]byte, error) { return proto.Marshal(v.(proto.Message)) }

func (codec) Unmarshal(data []byte, v any) error {
	m := v.(*raw)
	m.bytes = append(m.bytes[:0], data...)
	return nil
}

func (codec) Name() string { return "proto" }

// response is what a client needs of a response of either variant: both have these fields at the same numbers.
type response struct {
	version, typeURL, nonce string
	count                   int // resources
}

func read(b []byte) response {
	var r response
	fields(b, func(field protowire.Number, value []byte) {
		switch field {
		case 1:
			r.version = string(value)
		case 2:
			r.count++
		case 4:
			r.typeURL = string(value)
		case 5:
			r.nonce = string(value)
		}
	})
	return r
}

// take writes down the resources of a delta response, name to version, and forgets those that it removes.
func take(b []byte, has map[string]string) {
	fields(b, func(field protowire.Number, value []byte) {
		switch field {
		case 2:
			var name, version string
			fields(value, func(field protowire.Number, value []byte) {
				switch field {
				case 1:
					version = string(value)
				case 3:
					name = string(value)
				}
			})
			has[name] = version
		case 6:
			delete(has, string(value))
		}
	})
}

// fields calls back for each length-delimited field of a message.
func fields(b []byte, each func(field protowire.Number, value []byte)) {
	for len(b) > 0 {
		field, wireType, n := protowire.ConsumeTag(b)
		if n < 0 {
			panic(fmt.Sprint("not a message: ", protowire.ParseError(n)))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(field, wireType, b)
		if size < 0 {
			panic(fmt.Sprint("not a message: ", protowire.ParseError(size)))
		}
		if wireType == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(b[:size])
			each(field, value)
		}
		b = b[size:]
	}
}
