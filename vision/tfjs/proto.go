package tfjs

import (
	"encoding/binary"
	"math"
)

// message is a protobuf message being written. Field numbers are those of
// onnx.proto (IR version 8).
type message []byte

func (m *message) varint(field int, v uint64) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3)
	*m = binary.AppendUvarint(*m, v)
}

func (m *message) bytes(field int, b []byte) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|2)
	*m = binary.AppendUvarint(*m, uint64(len(b)))
	*m = append(*m, b...)
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

func (m *message) float(field int, v float32) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|5)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

// Element types of onnx.proto's TensorProto.DataType.
const (
	onnxFloat = 1
	onnxUint8 = 2
	onnxInt32 = 6
	onnxInt64 = 7
	onnxBool  = 9
)

// option is one attribute of an ONNX node: int, []int, float32 or string.
type option struct {
	name  string
	value any
}

func (o option) message() message {
	var m message
	m.text(1, o.name)
	switch v := o.value.(type) {
	case int:
		m.varint(3, uint64(v))
		m.varint(20, 2)
	case float32:
		m.float(2, v)
		m.varint(20, 1)
	case string:
		m.text(4, v)
		m.varint(20, 3)
	case []int:
		for _, x := range v {
			m.varint(8, uint64(x))
		}
		m.varint(20, 7)
	}
	return m
}

func nodeMessage(name, op string, in, out []string, opts []option) message {
	var m message
	for _, x := range in {
		m.text(1, x)
	}
	for _, x := range out {
		m.text(2, x)
	}
	m.text(3, name)
	m.text(4, op)
	for _, o := range opts {
		m.bytes(5, o.message())
	}
	return m
}

func tensorMessage(name string, t *tensor, kind int) message {
	var m message
	for _, d := range t.shape {
		m.varint(1, uint64(d))
	}
	m.varint(2, uint64(kind))
	var raw []byte
	switch kind {
	case onnxFloat:
		raw = make([]byte, 0, 4*len(t.f))
		for _, v := range t.f {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	case onnxInt32:
		for _, v := range t.i {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(v)))
		}
	case onnxInt64:
		for _, v := range t.i {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
		}
	}
	m.text(8, name)
	m.bytes(9, raw)
	return m
}

// valueMessage is a ValueInfoProto; a nil shape is left unknown, a negative
// dimension gets a symbolic name.
func valueMessage(name string, kind int, shape []int) message {
	var typ, tens, m message
	tens.varint(1, uint64(kind))
	if shape != nil {
		var sh message
		for _, d := range shape {
			var dim message
			if d < 0 {
				dim.text(2, "n")
			} else {
				dim.varint(1, uint64(d))
			}
			sh.bytes(1, dim)
		}
		tens.bytes(2, sh)
	}
	typ.bytes(1, tens)
	m.text(1, name)
	m.bytes(2, typ)
	return m
}
