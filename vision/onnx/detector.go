//go:build onnx && cgo

package onnx

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	ort "github.com/yalue/onnxruntime_go"

	"magpie/vision"
)

// Detector runs one model. It is for one goroutine at a time, see [vision.Share].
type Detector struct {
	session  *ort.DynamicAdvancedSession
	provider string
	hash     string
	head     *vision.Head
	fixed    int // batch that the model insists on, 0 when it is free
	most     int
	shapes   [][]int64 // of each output, without the batch
	boxes    []*vision.Letterbox
	batches  map[int]*batch
	found    [][]vision.Detection
	rows     [][]float32
}

// batch holds the tensors of a run of n frames.
type batch struct {
	in     *ort.Tensor[float32]
	out    []*ort.Tensor[float32]
	inV    []ort.Value
	outV   []ort.Value
	planes []float32
}

// Open loads library and model and takes the first provider that works. The
// process has one ONNX Runtime: the library of the first Open stays. Open must
// not be called by two goroutines at once.
func Open(cfg Config) (*Detector, error) {
	if len(cfg.Providers) == 0 {
		cfg.Providers = []string{CPU}
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := loadLibrary(cfg.Library); err != nil {
		return nil, err
	}
	hash, err := hashFile(cfg.Model)
	if err != nil {
		return nil, fmt.Errorf("detector: %w: run scripts/setup.sh model or give another model", err)
	}
	ins, outs, err := ort.GetInputOutputInfo(cfg.Model)
	if err != nil {
		return nil, fmt.Errorf("detector: %s is not a model that ONNX Runtime can read: %w", cfg.Model, err)
	}
	l, err := layoutOf(ins, outs, cfg)
	if err != nil {
		return nil, fmt.Errorf("detector: %s: %w", cfg.Model, err)
	}
	d := &Detector{
		hash: hash, head: l.head, fixed: l.batch, most: l.batch, shapes: l.shapes,
		batches: map[int]*batch{}, rows: make([][]float32, len(l.outputs)),
	}
	if d.fixed == 0 {
		if d.most = cfg.MaxBatch; d.most == 0 {
			d.most = 8
		}
	}
	for range d.most {
		d.boxes = append(d.boxes, vision.NewLetterbox(l.head.Size))
	}
	if d.session, d.provider, err = openSession(cfg, l); err != nil {
		return nil, err
	}
	cfg.Log.Info("detector is ready", "component", "vision", "model", cfg.Model, "head", l.head.Name,
		"input", l.head.Size, "provider", d.provider, "runtime", ort.GetVersion())
	return d, nil
}

func loadLibrary(path string) error {
	if ort.IsInitialized() {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("detector: ONNX Runtime: %w: run scripts/setup.sh ort or give the path of libonnxruntime", err)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("detector: ONNX Runtime from %s: %w", path, err)
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// openSession tries the providers in order, each with fresh options: options to
// which a provider could not be added are spoilt.
func openSession(cfg Config, l layout) (*ort.DynamicAdvancedSession, string, error) {
	var failed []error
	for _, p := range cfg.Providers {
		s, err := sessionOn(p, cfg, l)
		if err == nil {
			return s, p, nil
		}
		err = fmt.Errorf("provider %s: %w", p, err)
		failed = append(failed, err)
		if p == cfg.Require {
			return nil, "", fmt.Errorf("detector: required %w", err)
		}
		cfg.Log.Warn("provider is not to be had, trying the next", "component", "vision", "error", err)
	}
	return nil, "", fmt.Errorf("detector: none of the providers works: %w", errors.Join(failed...))
}

func sessionOn(provider string, cfg Config, l layout) (s *ort.DynamicAdvancedSession, err error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.Destroy()) }()
	err = errors.Join(o.SetIntraOpNumThreads(max(1, cfg.Threads)), o.SetInterOpNumThreads(1),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll), appendProvider(o, provider))
	if err != nil {
		return nil, err
	}
	return ort.NewDynamicAdvancedSession(cfg.Model, []string{l.input}, l.outputs, o)
}

func appendProvider(o *ort.SessionOptions, provider string) error {
	switch provider {
	case TensorRT:
		p, err := ort.NewTensorRTProviderOptions()
		if err != nil {
			return err
		}
		return errors.Join(o.AppendExecutionProviderTensorRT(p), p.Destroy())
	case CUDA:
		p, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		return errors.Join(o.AppendExecutionProviderCUDA(p), p.Destroy())
	}
	return nil // the CPU is always there
}

// Provider is the one that won.
func (d *Detector) Provider() string { return d.provider }

// ModelHash is "sha256:…" of the model file.
func (d *Detector) ModelHash() string { return d.hash }

// Batch is how many frames one run takes at most.
func (d *Detector) Batch() int { return d.most }

// tensors gives those for n frames, made at the first call.
func (d *Detector) tensors(n int) (*batch, error) {
	if b := d.batches[n]; b != nil {
		return b, nil
	}
	size := int64(d.head.Size)
	in, err := ort.NewEmptyTensor[float32](ort.NewShape(int64(n), 3, size, size))
	if err != nil {
		return nil, err
	}
	b := &batch{in: in, inV: []ort.Value{in}, planes: in.GetData()}
	d.batches[n] = b
	for _, s := range d.shapes {
		out, err := ort.NewEmptyTensor[float32](ort.NewShape(append([]int64{int64(n)}, s...)...))
		if err != nil {
			return nil, err
		}
		b.out, b.outV = append(b.out, out), append(b.outV, out)
	}
	return b, nil
}

// Detect implements [vision.Detector]. More frames than one run takes are run
// in turn; a context that is done stops between runs.
func (d *Detector) Detect(ctx context.Context, frames []vision.Frame) ([][]vision.Detection, error) {
	if d.session == nil {
		return nil, vision.ErrClosed
	}
	for len(d.found) < len(frames) {
		d.found = append(d.found, nil)
	}
	found := d.found[:len(frames)]
	for from := 0; from < len(frames); from += d.most {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(from+d.most, len(frames))
		if err := d.run(frames[from:to], found[from:to]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (d *Detector) run(frames []vision.Frame, found [][]vision.Detection) error {
	n := len(frames)
	if d.fixed > 0 {
		n = d.fixed
	}
	b, err := d.tensors(n)
	if err != nil {
		return fmt.Errorf("detector: %w", err)
	}
	per := 3 * d.head.Size * d.head.Size
	for i, f := range frames {
		if err := d.boxes[i].Fill(b.planes[i*per:(i+1)*per], f, d.head.Norm); err != nil {
			return fmt.Errorf("detector: frame %d: %w", i, err)
		}
	}
	if err := d.session.Run(b.inV, b.outV); err != nil {
		return fmt.Errorf("detector: %s: %w", d.provider, err)
	}
	for i := range frames {
		for k, o := range b.out {
			all := o.GetData()
			each := len(all) / n
			d.rows[k] = all[i*each : (i+1)*each]
		}
		if found[i], err = d.head.Decode(d.rows, d.boxes[i], found[i][:0]); err != nil {
			return fmt.Errorf("detector: %w", err)
		}
	}
	return nil
}

// Close frees session and tensors.
func (d *Detector) Close() error {
	if d.session == nil {
		return nil
	}
	errs := []error{d.session.Destroy()}
	d.session = nil
	for _, b := range d.batches {
		errs = append(errs, b.in.Destroy())
		for _, o := range b.out {
			errs = append(errs, o.Destroy())
		}
	}
	d.batches = nil
	return errors.Join(errs...)
}
