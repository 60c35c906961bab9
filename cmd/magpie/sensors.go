package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"magpie/sensors"
	"magpie/site"
)

// sensorCommands are the words after `magpie sensors`.
func sensorCommands() []command {
	return []command{
		{"try", "decode one payload and show the events that it makes", runSensorsTry},
		{"check", "listen to a broker or read a recording, and say what each source must change", runSensorsCheck},
		{"watch", "show what comes, decoded, one line an event", runSensorsWatch},
		{"schema", "print the AsyncAPI document, or the JSON Schema of one kind", runSensorsSchema},
	}
}

// runSensors is `magpie sensors`: for those who connect sensors.
func runSensors(ctx context.Context, args []string, out, errw io.Writer) error {
	help := len(args) == 1 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help")
	if len(args) > 0 && !help {
		for _, c := range sensorCommands() {
			if c.name == args[0] {
				return c.run(ctx, args[1:], out, errw)
			}
		}
	}
	fmt.Fprintln(errw, "usage: magpie sensors COMMAND [flags]; `magpie sensors COMMAND -h` lists a command's flags")
	fmt.Fprintln(errw)
	var names []string
	for _, c := range sensorCommands() {
		fmt.Fprintf(errw, "  %-8s %s\n", c.name, c.short)
		names = append(names, c.name)
	}
	switch {
	case help:
		return flag.ErrHelp
	case len(args) == 0:
		return errors.New("say what to do: " + strings.Join(names, ", "))
	}
	return fmt.Errorf("there is no %q: say %s", args[0], strings.Join(names, ", "))
}

// loadSensors reads a site file and makes a decoder for it.
func loadSensors(path string) (*site.Site, *sensors.Decoder, error) {
	s, err := site.Load(path)
	if err != nil {
		return nil, nil, err
	}
	key, err := pseudonymKey(s)
	if err != nil { // a vendor need not have it: the pseudonyms are this run's
		key = []byte(rand.Text())
	}
	d, err := sensors.NewDecoder(s.Store, decoderOptions(s, key))
	return s, d, err
}

// newFlags begins the flags of a command. usage is how it is called, a line each; behind is written below the flags.
func newFlags(errw io.Writer, name, usage string, behind ...string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(errw)
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: "+usage)
		fs.PrintDefaults()
		for _, text := range behind {
			fmt.Fprint(errw, text)
		}
	}
	return fs
}

// parse parses flags that may stand before, between and behind the arguments that are none, which are fs.Args() then. Behind -- stands no flag.
func parse(fs *flag.FlagSet, args []string) error {
	rest := []string{"--"}
	var behind []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, behind = args[:i], args[i+1:]
	}
	for {
		if err := fs.Parse(args); err != nil {
			return err
		}
		if args = fs.Args(); len(args) == 0 {
			return fs.Parse(append(rest, behind...))
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// positional is the one argument that is no flag; "" where there is none.
func positional(fs *flag.FlagSet, args []string) (arg string, err error) {
	if err := parse(fs, args); err != nil {
		return "", err
	}
	if fs.NArg() > 1 {
		return "", fmt.Errorf("unexpected argument %q", fs.Arg(1))
	}
	return fs.Arg(0), nil
}

// isTerminal reports whether w is one, where a line may be written over.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
