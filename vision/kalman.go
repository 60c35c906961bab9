package vision

// axis is a Kalman filter of one coordinate: position and speed. The filter of
// SORT and ByteTrack has independent noise on each coordinate of the box, so
// that it falls apart into four of these without losing anything.
type axis struct {
	x, v          float64
	pxx, pxv, pvv float64
}

func newAxis(x, sd, sdSpeed float64) axis {
	return axis{x: x, pxx: float64(sd * sd), pvv: float64(sdSpeed * sdSpeed)}
}

// predict moves the estimate dt seconds on. qx and qv are the variances that
// position and speed gain a second.
func (a *axis) predict(dt, qx, qv float64) {
	a.x += float64(a.v * dt)
	a.pxx += float64(2*dt*a.pxv) + float64(dt*dt*a.pvv) + float64(qx*dt)
	a.pxv += float64(dt * a.pvv)
	a.pvv += float64(qv * dt)
}

// update takes a measurement z of variance r.
func (a *axis) update(z, r float64) {
	s := a.pxx + r
	kx, kv := a.pxx/s, a.pxv/s
	d := z - a.x
	a.x += float64(kx * d)
	a.v += float64(kv * d)
	a.pvv -= float64(kv * a.pxv)
	a.pxv -= float64(kx * a.pxv)
	a.pxx -= float64(kx * a.pxx)
}

// Noise of the filter as shares of the box's height, in seconds so that it
// holds for any frame rate and for gaps. The form is SORT's and ByteTrack's;
// the figures did best on MOTChallenge 2015 at 7 to 30 frames a second.
const (
	noiseMeasure = 0.05 // of a detection
	noisePlace   = 0.03 // that place gains, a √second
	noiseSpeed   = 0.2  // that speed gains, a √second
	firstPlace   = 2 * noiseMeasure
	firstSpeed   = 1.0 // a second
)

// motion follows a box: centre x, centre y, width, height.
type motion struct{ c [4]axis }

func centred(b [4]float32) [4]float64 {
	w, h := float64(b[2]), float64(b[3])
	return [4]float64{float64(b[0]) + w/2, float64(b[1]) + h/2, w, h}
}

func newMotion(b [4]float32) motion {
	var m motion
	z := centred(b)
	for k := range m.c {
		m.c[k] = newAxis(z[k], firstPlace*z[3], firstSpeed*z[3])
	}
	return m
}

func (m *motion) predict(dt float64) {
	h := max(m.c[3].x, 1)
	qx, qv := noisePlace*h, noiseSpeed*h
	for k := range m.c {
		m.c[k].predict(dt, qx*qx, qv*qv)
	}
	for _, k := range []int{2, 3} { // a box cannot shrink away while it is not seen
		if m.c[k].x < 1 {
			m.c[k].x, m.c[k].v = 1, 0
		}
	}
}

func (m *motion) update(b [4]float32) {
	z := centred(b)
	r := noiseMeasure * z[3]
	for k := range m.c {
		m.c[k].update(z[k], r*r)
	}
}

func (m *motion) box() [4]float32 {
	w, h := max(m.c[2].x, 1), max(m.c[3].x, 1)
	return [4]float32{float32(m.c[0].x - w/2), float32(m.c[1].x - h/2), float32(w), float32(h)}
}
