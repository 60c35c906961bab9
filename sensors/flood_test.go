package sensors

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestManyNames publishes on ten thousand topics that no site file knows, twice: each is rejected, and what the broker and the
// decoder keep of them does not grow with them.
func TestManyNames(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty thousand messages through a broker")
	}
	b := embedded(t, BrokerOptions{Sync: time.Minute, Keep: true})
	d := decoder(t)
	user, password := b.Own()
	var rejected atomic.Int64
	queue := make(chan *Rejection, 2*10_000)
	own, _ := subscribe(t, SubscriberOptions{URL: b.OwnURL(), User: user, Password: password, ClientID: b.Client(), Topics: []string{"#"},
		Append: func(topic string, retain bool, payload []byte, done func(error)) {
			done(nil)
			var r *Rejection
			if _, err := d.Decode(received, topic, retain, payload); errors.As(err, &r) {
				queue <- r
			}
		}})
	go func() {
		for r := range queue {
			if own.Publish(t.Context(), r.PublishTopic("s042"), false, r.Payload(nil)) != nil {
				return
			}
			rejected.Add(1)
		}
	}()
	const names = 10_000
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	batch := func(n int) int64 {
		client, err := connect(t, b.URL(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		under := make(chan mqtt.Token, 100)
		done := make(chan error, 1)
		go func() {
			var errs []error
			for token := range under {
				errs = append(errs, wait(t.Context(), token))
			}
			done <- errors.Join(errs...)
		}()
		for i := range names {
			topic := fmt.Sprintf("magpie/v1/s042/gate/name-%d-%d", n, i)
			if i%2 == 0 {
				topic = fmt.Sprintf("other/name-%d-%d", n, i)
			}
			under <- client.Publish(topic, 1, false, `{"ts":"arrival","alarm":true}`)
		}
		close(under)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for end := time.After(60 * time.Second); rejected.Load() < int64(n*names); {
			select {
			case <-tick.C:
			case <-end:
				t.Fatalf("%d of %d are rejected", rejected.Load(), n*names)
			}
		}
		client.Disconnect(0)
		return heap()
	}
	before := heap()
	first, second := batch(1), batch(2)
	t.Logf("heap %d KiB before, %d KiB after the first %d names, %d KiB after as many more", before>>10, first>>10, names, second>>10)
	if grown := second - first; grown > 4<<20 {
		t.Errorf("the heap grew by %d KiB with %d names", grown>>10, names)
	}
	if n := len(d.c.intern); n > 1<<16 {
		t.Errorf("the decoder keeps %d strings", n)
	}
}

// TestFlood has a vendor publish as fast as it can, while another sends a message every 20 ms: the one is slowed and told of in
// the log, and the other's come in time.
func TestFlood(t *testing.T) {
	for qos := range byte(2) {
		t.Run(fmt.Sprint("qos", qos), func(t *testing.T) { flood(t, qos) })
	}
}

func flood(t *testing.T, qos byte) {
	logs := newLogged()
	const rate = 512 << 10 // a thousand small messages a second, which every machine can do
	b := embedded(t, BrokerOptions{Sync: time.Minute, Keep: true, Rate: rate, Log: logs.logger()})
	user, password := b.Own()
	var flooded atomic.Int64
	late := make(chan time.Duration, 1000)
	start := time.Now()
	subscribe(t, SubscriberOptions{URL: b.OwnURL(), User: user, Password: password, ClientID: b.Client(), Topics: []string{"#"},
		Append: func(topic string, _ bool, payload []byte, done func(error)) {
			if topic == "magpie/v1/s042/gate/eas-1" {
				var at int64
				fmt.Sscan(string(payload), &at)
				late <- time.Since(start) - time.Duration(at)
			} else {
				flooded.Add(1)
			}
			done(nil)
		}})
	quiet, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	measure := func(n int) []time.Duration {
		var all []time.Duration
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for range n {
			<-pace.C
			quiet.Publish("magpie/v1/s042/gate/eas-1", 1, false, fmt.Sprint(int64(time.Since(start))))
		}
		for range n {
			select {
			case l := <-late:
				all = append(all, l)
			case <-time.After(30 * time.Second):
				t.Fatalf("%d of %d came", len(all), n)
			}
		}
		slices.Sort(all)
		return all
	}
	calm := measure(50)
	client, err := connect(t, b.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	stop, sent := make(chan struct{}), make(chan int)
	began := time.Now()
	go func() {
		under := make(chan mqtt.Token, 1000)
		go func() {
			for token := range under {
				token.Wait()
			}
		}()
		defer close(under)
		for n := 0; ; n++ {
			select {
			case <-stop:
				sent <- n
				return
			case under <- client.Publish("magpie/v1/s042/weight/g1", qos, false, `{"ts":"arrival","grams":1000}`):
			}
		}
	}()
	busy := measure(150)
	arrived, took := flooded.Load(), time.Since(began)
	logs.await(t, "a client sends more than it may and is slowed")
	close(stop)
	b.Close() // which ends the flood's connection, full as it is
	t.Logf("calm: median %v, longest %v; in the flood of %d, of which %d came in %v: median %v, 99 %% %v, longest %v",
		calm[25], calm[49], <-sent, arrived, took, busy[75], busy[148], busy[149])
	if most := int64((took + burst).Seconds() * rate / perPacket); arrived > most {
		t.Errorf("%d messages of the flood came in %v: at most %d may", arrived, took, most)
	}
	if busy[75] > 20*time.Millisecond {
		t.Errorf("the other's messages take %v", busy[75])
	}
}
