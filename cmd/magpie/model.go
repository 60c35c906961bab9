package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"magpie/vision/tfjs"
)

const modelUsage = `usage: magpie model convert SRC.json DST.onnx [OUTPUT …]   TensorFlow.js graph model to ONNX
       magpie model info FILE.onnx                        inputs, outputs, size, hash
`

// runModel is the command `magpie model`.
func runModel(_ context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("magpie model", flag.ContinueOnError)
	fs.SetOutput(errw)
	fs.Usage = func() { fmt.Fprint(errw, modelUsage) }
	if err := parse(fs, args); err != nil {
		return err
	}
	args = fs.Args()
	switch {
	case len(args) >= 3 && args[0] == "convert":
		return convertModel(out, args[1], args[2], args[3:])
	case len(args) == 2 && args[0] == "info":
		return describeModel(out, args[1])
	}
	fs.Usage()
	return errors.New("say what to do: convert or info")
}

func convertModel(out io.Writer, src, dst string, outputs []string) error {
	g, err := tfjs.Load(src)
	if err != nil {
		return err
	}
	b, err := g.ONNX(outputs...)
	if err != nil {
		return err
	}
	// Written beside and renamed, so that a half file is never taken for a model.
	tmp, err := os.CreateTemp(filepath.Dir(dst), ".model-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(b); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), dst); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d bytes, sha256:%x\n", dst, len(b), sha256.Sum256(b))
	return err
}

func describeModel(out io.Writer, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := tfjs.Describe(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(out, "%s\nsha256:%x\nopset %d, %d nodes, %d bytes of weights, made by %q\n",
		path, sha256.Sum256(b), info.Opset, info.Nodes, info.WeightBytes, info.Producer)
	for _, v := range info.Inputs {
		fmt.Fprintf(out, "in   %s %v\n", v.Name, v.Shape)
	}
	for _, v := range info.Outputs {
		fmt.Fprintf(out, "out  %s %v\n", v.Name, v.Shape)
	}
	return nil
}
