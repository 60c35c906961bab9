package main

import (
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// unsent keeps what a broker has not acknowledged, for a client that publishes again when a connection comes back. The
// library's own store hands out the very packets that it was given: when somebody publishes just as a connection opens, it
// marks a packet as a repetition while that packet is being written. This one keeps copies and hands out copies.
type unsent struct{ *mqtt.MemoryStore }

func newUnsent() unsent { return unsent{mqtt.NewMemoryStore()} }

func (s unsent) Put(key string, p packets.ControlPacket) { s.MemoryStore.Put(key, copyPacket(p)) }

func (s unsent) Get(key string) packets.ControlPacket { return copyPacket(s.MemoryStore.Get(key)) }

// copyPacket copies the only kind of packet that is changed once it was stored.
func copyPacket(p packets.ControlPacket) packets.ControlPacket {
	if p, ok := p.(*packets.PublishPacket); ok {
		c := *p
		return &c
	}
	return p
}
