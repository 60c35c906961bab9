package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"

	"magpie/journal"
	"magpie/rules"
	"magpie/sensors"
	"magpie/vision/opencv"
)

// ready makes sure of all that flags and site name before the journal and the broker are opened or anything is written, and
// says all that is wrong at once. It gives the policies that are to judge, and opens the detector, which the station closes.
func (st *station) ready(ctx context.Context) (*rules.Set, error) {
	set, err := loadSigned(st.set.policies, st.site)
	errs := append(missingFiles(st.site), err)
	_, err = sensors.NewDecoder(st.site.Store, sensors.Options{Foreign: st.site.Sources})
	errs = append(errs, err)
	if b := st.site.Broker; b.URL == "" {
		o := sensors.BrokerOptions{Listen: b.Listen, Store: st.site.Store.ID, Foreign: st.site.Sources, Users: b.Users, TLS: sensors.Files{Cert: b.CertFile, Key: b.KeyFile, CA: b.ClientCAFile}, Certain: b.Certain}
		if err := o.Check(); !errors.Is(err, fs.ErrNotExist) { // the file of users is among the missing
			errs = append(errs, err)
		}
	}
	if err := free(st.set.http); err != nil {
		errs = append(errs, pageTaken(st.set.http, err))
	}
	if st.set.play != "" {
		if err := playable(st.set.play); err != nil {
			errs = append(errs, fmt.Errorf("--play %s: %w", st.set.play, err))
		}
	}
	errs = append(errs, st.readyCameras(ctx))
	return set, errors.Join(errs...)
}

// readyCameras opens the detector, and tries whether the cameras that are files can be opened.
func (st *station) readyCameras(ctx context.Context) error {
	cams := st.followed()
	if len(cams) == 0 {
		return nil
	}
	v := &st.set.vision
	var err error
	if st.shared, v.hash, err = v.detector(st.log); err != nil {
		return fmt.Errorf("%w\nrun with --no-cameras to leave cameras to `magpie vision`", err)
	}
	st.onClose(st.shared.Close)
	for _, cam := range cams {
		cfg := v.camera(st.site, cam, st.log)
		if cfg.Kind() != opencv.File {
			continue // what is away may come
		}
		src, err := openCamera(ctx, cfg)
		if err == nil {
			err = src.Close()
		}
		if err != nil {
			return fmt.Errorf("camera %s: %w", cam.ID, err)
		}
	}
	return nil
}

// pageTaken says why the page cannot be had at an address, and what to do.
func pageTaken(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("--http %s: another program listens there; give another address, such as --http 127.0.0.1:8081", address)
	}
	return fmt.Errorf("--http %s: %w; give host:port of this machine", address, err)
}

// free reports why nobody can listen at an address.
func free(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// playable reports why a recording cannot be played: it must be read, and hold a message.
func playable(path string) error {
	r, err := journal.OpenRecording(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		l, err := r.Next()
		if err == io.EOF {
			return errors.New("it holds no message to play")
		}
		if err != nil {
			return err
		}
		if l.Control == nil && !sensors.OwnTopic(l.Topic) {
			return nil
		}
	}
}
