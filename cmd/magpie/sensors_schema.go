package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"magpie/sensors"
	"magpie/strict"
)

// runSensorsSchema is `magpie sensors schema`: the contract for vendors as machines read it.
func runSensorsSchema(_ context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "sensors schema", "magpie sensors schema          the AsyncAPI 3 document of all topics and payloads\n"+
		"       magpie sensors schema KIND     the JSON Schema (2020-12) of a payload: "+strings.Join(sensors.SchemaKinds(), ", "))
	kind, err := positional(fs, args)
	if err != nil {
		return err
	}
	text := sensors.AsyncAPI()
	if kind != "" {
		if text = sensors.KindSchema(kind); text == nil {
			return fmt.Errorf("there is no kind %q; %s", kind, strict.Suggest(kind, sensors.SchemaKinds()))
		}
	}
	_, err = out.Write(text)
	return err
}
