package main

import (
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// What is done to a packet after it was stored, or to one that was handed out, is not seen by anybody else.
func TestUnsentIsNotShared(t *testing.T) {
	s := newUnsent()
	s.Open()
	given := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	given.Qos, given.TopicName, given.MessageID = 1, "a", 7
	s.Put("o.7", given)
	given.RemainingLength = 12
	first := s.Get("o.7").(*packets.PublishPacket)
	if first.RemainingLength != 0 || first.Qos != 1 || first.TopicName != "a" || first.MessageID != 7 {
		t.Errorf("kept %+v", first)
	}
	first.Dup = true
	if second := s.Get("o.7").(*packets.PublishPacket); second.Dup || second == first {
		t.Error("who gets it twice gets one packet")
	}
	s.Put("o.8", packets.NewControlPacket(packets.Subscribe))
	if s.Get("o.8") == nil || s.Get("o.9") != nil {
		t.Error("what is kept is not what is got")
	}
}
