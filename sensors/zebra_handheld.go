package sensors

import "magpie/fusion"

// zebraHandheld reads dataEVT, the tag data of Zebra's RFD40 and RFD90 sleds over MQTT:
//
//	{"type":"BALANCED_PERFORMANCE","timestamp":"2019-08-24T14:15:22Z","data":{"tagData":[{"EPCid":"BEDD11112222333344445555",
//	 "EPC":"BEDD11112222333344445555","channel":911.75,"eventNum":1,"peakRssi":-39,"phase":0,"seenCount":1}]}}
//
// A sled has one antenna and does not name it: the site file gives its reader exactly one. All reads of a message have its
// timestamp. phase has no documented unit and is left out. Barcodes (barcodeData) are no tag reads: beside tags they are
// passed over, alone they are rejected. mqttConnEVT (connectionState) is a status; heartBeatEVT and alerts are signs of life.
func (d *Decoder) zebraHandheld(m *draft, payload []byte) *Rejection {
	return d.elements(payload, func() *Rejection { return d.handheldEvent(m) })
}

func (d *Decoder) handheldEvent(m *draft) *Rejection {
	c := &d.c
	var connection, event, alert word
	data, state := 0, fusion.NoAction
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			return c.stamp(&m.ts)
		case "data":
			if !c.null() {
				data = c.at
			}
		case "connectionState":
			return c.word(&connection, wantText)
		case "eventName":
			return c.word(&event, wantText)
		case "priority": // of an alert
			alert.set = true
		}
		return nil
	})
	if r != nil {
		return r
	}
	switch connection.v {
	case "CONNECTED":
		state = fusion.Online
	case "DISCONNECTED":
		state = fusion.Offline
	}
	switch {
	case data > 0:
		return c.later(data, "data", func() *Rejection { return d.handheldData(m) })
	case state != fusion.NoAction:
		m.state = state
		return nil
	case connection.set || event.set || alert.set:
		return nil
	}
	return c.missing("data", "this is no event of a Zebra handheld")
}

func (d *Decoder) handheldData(m *draft) *Rejection {
	c := &d.c
	tags, barcodes := false, false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "barcodeData":
			barcodes = !c.null()
		case "tagData":
			if c.null() {
				return nil
			}
			tags = true
			return c.array(func(int) *Rejection {
				t := tag{ts: m.ts, antenna: d.onlyAntenna(m.Source)}
				if r := d.zebraTag(&t, "EPCid"); r != nil {
					return r
				}
				t.phase = number{}
				if !t.antenna.set {
					return c.missing("antenna", "give the reader of a handheld exactly one antenna in the site file")
				}
				return d.addTag(m, &t, tagWords{"timestamp", "EPCid", "antenna", "peakRssi", "switch it on in the operating mode's tagMetaDataToEnable"})
			})
		}
		return nil
	})
	switch {
	case r != nil || tags:
		return r
	case barcodes:
		return &Rejection{Code: CodeRange, Path: c.pointer("barcodeData"), Reason: "barcodes are no tag reads: let the handheld send them on a topic of their own"}
	}
	return c.missing("tagData", "a dataEVT has the tags that were read")
}
