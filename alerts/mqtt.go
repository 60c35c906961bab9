package alerts

import (
	"context"
	"fmt"
)

// MQTT is the sink that publishes each alert on magpie/v1/{store}/alert/{id}.
type MQTT struct {
	name, store string
	publish     func(topic string, payload []byte) error
}

// NewMQTT makes the sink. publish returns nil when the broker has acknowledged (QoS 1, not retained) and gives up by
// itself when the broker is away.
func NewMQTT(name, store string, publish func(topic string, payload []byte) error) *MQTT {
	return &MQTT{name, store, publish}
}

// Name is the output's name.
func (m *MQTT) Name() string { return m.name }

// Send publishes the alert's line. A refusal throttles the output, as the broker is most likely away.
func (m *MQTT) Send(_ context.Context, d Delivery) error {
	topic := "magpie/v1/" + m.store + "/alert/" + d.ID
	if err := m.publish(topic, d.Body); err != nil {
		return Throttle{Err: fmt.Errorf("publish %s: %w", topic, err)}
	}
	return nil
}
