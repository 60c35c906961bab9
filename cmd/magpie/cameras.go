package main

import (
	"context"
	"time"

	"magpie/journal"
	"magpie/sensors/message"
	"magpie/site"
	"magpie/vision"
)

// followed are the cameras that this process follows.
func (st *station) followed() (cams []site.Camera) {
	for _, cam := range st.site.Cameras {
		if cam.URL != "" && !st.set.noCameras {
			cams = append(cams, cam)
		}
	}
	return cams
}

// startCameras follows the site's cameras in this process: what they publish goes straight into the journal, in the bytes
// that it would have on MQTT. With a recording to play, files begin with it and are played again and again.
func (st *station) startCameras(ctx context.Context, stop context.CancelFunc, began time.Time) error {
	settings := st.set.vision
	if st.set.play != "" {
		settings.loop, settings.start = true, began
		st.start(ctx, stop, "play", func(ctx context.Context) error { return st.playAlong(ctx, began) })
	}
	for _, cam := range st.followed() {
		id := cam.ID
		publish := func(kind string, payload []byte) error {
			st.journal.Append(journal.Line{Topic: message.Topic(st.site.Store.ID, kind, id), Payload: payload}, nil)
			return nil
		}
		var last struct {
			dropped uint64
			decode  time.Duration
		}
		var worker *cameraWorker
		hooks := vision.WorkerHooks{Now: time.Now, Frame: func(f vision.FrameStats) {
			s, _ := worker.stats()
			st.live.numbers.frame(id, f, s.Decode-last.decode, int(s.Dropped-last.dropped))
			last.dropped, last.decode = s.Dropped, s.Decode
		}}
		var err error
		worker, err = newCameraWorker(ctx, st.site, cam, settings, newBoot(began), st.shared, publish, hooks, st.log)
		if err != nil {
			return err
		}
		st.start(ctx, stop, "camera "+id, worker.run)
	}
	return nil
}

// playAlong publishes the recording of --play to the broker, again and again, in step with cameras that are files.
func (st *station) playAlong(ctx context.Context, began time.Time) error {
	publish := func(ctx context.Context, topic string, retain bool, payload []byte) error {
		return st.sub.Publish(ctx, topic, retain, payload)
	}
	_, err := play(ctx, st.set.play, playOptions{speed: 1, shift: true, loop: true, start: began, now: time.Now}, publish)
	return err
}
