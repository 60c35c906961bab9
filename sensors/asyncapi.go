package sensors

import (
	"magpie/sensors/message"
)

// AsyncAPI is the contract's part for vendors as an AsyncAPI 3 document in JSON: a channel a kind, from the view of Magpie,
// which receives what sensors publish and sends what it rejects.
func AsyncAPI() []byte {
	type members = schemaMembers
	to := func(path string) members { return members{{"$ref", "#/" + path}} }
	var channels, operations, messages, schemas members
	for _, k := range contractKinds() {
		address, action, retained := message.Topic("{store}", k.name, "{source}"), "receive", k.name == message.KindStatus
		parameters := members{{"store", to("components/parameters/store")}, {"source", to("components/parameters/source")}}
		if k.name == "rejected" {
			address, action = message.Topic("{store}", k.name, "{kind}/{source}"), "send"
			parameters = append(parameters, schemaMember{"kind", members{{"description", "the kind in the topic, or unmapped"}}})
		}
		channels = append(channels, schemaMember{k.name, members{{"address", address}, {"parameters", parameters},
			{"messages", members{{k.name, to("components/messages/" + k.name)}}}}})
		operations = append(operations, schemaMember{k.name, members{{"action", action}, {"channel", to("channels/" + k.name)},
			{"messages", []any{to("channels/" + k.name + "/messages/" + k.name)}},
			{"bindings", members{{"mqtt", members{{"qos", 1}, {"retain", retained}, {"bindingVersion", "0.2.0"}}}}}}})
		messages = append(messages, schemaMember{k.name, members{{"title", k.name}, {"summary", k.doc}, {"contentType", "application/json"},
			{"payload", to("components/schemas/" + k.name)}}})
		schemas = append(schemas, schemaMember{k.name, k.schema()})
	}
	return indented(members{
		{"asyncapi", "3.0.0"},
		{"info", members{{"title", "Magpie: what the sensors of a store publish"}, {"version", "1"},
			{"description", "One JSON object on one topic, UTF-8, at most 256 KiB, QoS 1, not retained (but status). " +
				"Unknown members are ignored, null and the empty string count as absent, and members are only ever added. See docs/messages.md."}}},
		{"defaultContentType", "application/json"},
		{"servers", members{{"embedded", members{{"host", "127.0.0.1:1883"}, {"protocol", "mqtt"}, {"protocolVersion", "3.1.1"},
			{"description", "the broker that `magpie run` brings"}}}}},
		{"channels", channels},
		{"operations", operations},
		{"components", members{{"messages", messages}, {"schemas", schemas}, {"parameters", members{
			{"store", members{{"description", "the store's id, as in the site file"}}},
			{"source", members{{"description", "the source's id, as in the site file: unique in the store, over all kinds"}}}}}}},
	})
}
