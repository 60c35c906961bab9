package tfjs

import (
	"encoding/binary"
	"fmt"
)

// Info says what an ONNX file holds.
type Info struct {
	Producer        string
	Opset           int
	Nodes           int
	Inputs, Outputs []Value
	WeightBytes     int
}

// Value is one input or output; a dimension that is not fixed is -1.
type Value struct {
	Name  string
	Type  int // onnx.proto's TensorProto.DataType: 1 float, 7 int64, …
	Shape []int
}

// Describe reads the head of an ONNX model. It is no validator: it only
// follows the fields that it prints.
func Describe(model []byte) (Info, error) {
	var info Info
	var err error
	top := fields(model, func(f field) {
		switch f.number {
		case 2:
			info.Producer = string(f.bytes)
		case 7:
			err = info.graph(f.bytes)
		case 8:
			if e := fields(f.bytes, func(f field) {
				if f.number == 2 {
					info.Opset = int(f.value)
				}
			}); e != nil && err == nil {
				err = e
			}
		}
	})
	if top != nil {
		err = top
	}
	if err == nil && info.Nodes == 0 {
		err = fmt.Errorf("no graph with nodes in it")
	}
	if err != nil {
		return Info{}, fmt.Errorf("not an ONNX model: %w", err)
	}
	return info, nil
}

func (info *Info) graph(b []byte) error {
	var err error
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	keep(fields(b, func(f field) {
		switch f.number {
		case 1:
			info.Nodes++
		case 5:
			info.WeightBytes += len(f.bytes)
		case 11, 12:
			v, e := value(f.bytes)
			keep(e)
			if f.number == 11 {
				info.Inputs = append(info.Inputs, v)
			} else {
				info.Outputs = append(info.Outputs, v)
			}
		}
	}))
	return err
}

// value follows ValueInfoProto → TypeProto → Tensor → TensorShapeProto.
func value(b []byte) (Value, error) {
	var v Value
	var err error
	down := func(b []byte, f func(field)) {
		if e := fields(b, f); e != nil && err == nil {
			err = e
		}
	}
	down(b, func(f field) {
		switch f.number {
		case 1:
			v.Name = string(f.bytes)
		case 2:
			down(f.bytes, func(f field) {
				if f.number != 1 {
					return
				}
				down(f.bytes, func(f field) {
					switch f.number {
					case 1:
						v.Type = int(f.value)
					case 2:
						down(f.bytes, func(f field) {
							d := -1
							down(f.bytes, func(f field) {
								if f.number == 1 {
									d = int(f.value)
								}
							})
							v.Shape = append(v.Shape, d)
						})
					}
				})
			})
		}
	})
	return v, err
}

type field struct {
	number int
	value  uint64
	bytes  []byte
}

// fields walks one level of a protobuf message.
func fields(b []byte, visit func(field)) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return fmt.Errorf("bad field key")
		}
		b = b[n:]
		f := field{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return fmt.Errorf("bad number in field %d", f.number)
			}
			f.value, b = v, b[n:]
		case 2:
			l, n := binary.Uvarint(b)
			if n <= 0 || l > uint64(len(b)-n) {
				return fmt.Errorf("field %d is cut", f.number)
			}
			f.bytes, b = b[n:n+int(l)], b[n+int(l):]
		case 1, 5:
			w := 4
			if key&7 == 1 {
				w = 8
			}
			if len(b) < w {
				return fmt.Errorf("field %d is cut", f.number)
			}
			b = b[w:]
		default:
			return fmt.Errorf("field %d has wire type %d", f.number, key&7)
		}
		visit(f)
	}
	return nil
}
