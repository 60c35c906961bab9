//go:build gocv

package opencv

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/textproto"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// rtspCamera is a camera on loopback: H.264 over interleaved TCP, one track.
type rtspCamera struct {
	units [][][]byte // access units of NAL units
	addr  string

	mu     sync.Mutex
	l      net.Listener
	conns  map[net.Conn]struct{}
	silent bool // keeps connections and sends nothing
	wg     sync.WaitGroup
}

// encode gives a second of a moving test picture as H.264 with its units marked.
func encode(t testing.TB) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-t", "1",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "5", "-pix_fmt", "yuv420p",
		"-bsf:v", "h264_metadata=aud=insert", "-f", "h264", "-").Output()
	if err != nil {
		t.Skipf("ffmpeg cannot encode H.264 here: %v", err)
	}
	return out
}

func newCamera(t testing.TB) *rtspCamera {
	c := &rtspCamera{conns: map[net.Conn]struct{}{}, addr: "127.0.0.1:0"}
	for _, nal := range bytes.Split(encode(t), []byte{0, 0, 1}) {
		nal = bytes.TrimRight(nal, "\x00")
		switch {
		case len(nal) == 0:
		case nal[0]&31 == 9:
			c.units = append(c.units, nil)
		case len(c.units) > 0:
			c.units[len(c.units)-1] = append(c.units[len(c.units)-1], nal)
		}
	}
	t.Cleanup(c.die)
	c.live(t)
	return c
}

func (c *rtspCamera) url() string { return "rtsp://" + c.addr + "/1" }

// live listens, on the same port as before.
func (c *rtspCamera) live(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.l, c.addr, c.silent = l, l.Addr().String(), false
	c.mu.Unlock()
	c.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns[conn] = struct{}{}
			c.mu.Unlock()
			c.wg.Go(func() { c.serve(conn) })
		}
	})
}

// die closes everything, as a camera without power does.
func (c *rtspCamera) die() {
	c.mu.Lock()
	_ = c.l.Close()
	for conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = map[net.Conn]struct{}{}
	c.mu.Unlock()
	c.wg.Wait()
}

func (c *rtspCamera) hush() {
	c.mu.Lock()
	c.silent = true
	c.mu.Unlock()
}

func (c *rtspCamera) serve(conn net.Conn) {
	defer conn.Close()
	r := textproto.NewReader(bufio.NewReader(conn))
	param := map[byte]string{}
	for _, n := range c.units[0] {
		param[n[0]&31] = base64.StdEncoding.EncodeToString(n)
	}
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		f := strings.Fields(line)
		if len(f) != 3 {
			continue // interleaved RTCP
		}
		h, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		ok := "RTSP/1.0 200 OK\r\nCSeq: " + h.Get("CSeq") + "\r\nSession: 1\r\n"
		switch f[0] {
		case "OPTIONS":
			fmt.Fprintf(conn, "%sPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n", ok)
		case "DESCRIBE":
			sdp := "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=t\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
				"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=" + param[7] + "," + param[8] + "\r\na=control:trackID=0\r\n"
			fmt.Fprintf(conn, "%sContent-Base: %s/\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", ok, f[1], len(sdp), sdp)
		case "SETUP":
			if !strings.Contains(h.Get("Transport"), "TCP") {
				fmt.Fprintf(conn, "RTSP/1.0 461 Unsupported Transport\r\nCSeq: %s\r\n\r\n", h.Get("CSeq"))
				continue
			}
			fmt.Fprintf(conn, "%sTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n", ok)
		case "PLAY":
			fmt.Fprintf(conn, "%s\r\n", ok)
			c.wg.Go(func() { c.play(conn) })
		default:
			fmt.Fprintf(conn, "%s\r\n", ok)
		}
	}
}

func (c *rtspCamera) play(conn net.Conn) {
	payloader := &codecs.H264Payloader{}
	t := time.NewTicker(40 * time.Millisecond)
	defer t.Stop()
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 7}}
	for i := 0; ; i++ {
		<-t.C
		c.mu.Lock()
		_, alive := c.conns[conn]
		silent := c.silent
		c.mu.Unlock()
		if !alive {
			return
		}
		if silent {
			continue
		}
		var parts [][]byte
		for _, n := range c.units[i%len(c.units)] {
			parts = append(parts, payloader.Payload(1200, append([]byte{0, 0, 0, 1}, n...))...)
		}
		for k, part := range parts {
			p.Payload, p.Marker = part, k == len(parts)-1
			p.SequenceNumber++
			b, err := p.Marshal()
			if err != nil {
				return
			}
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16([]byte{'$', 0}, uint16(len(b))), b...)); err != nil {
				return
			}
		}
		p.Timestamp += 90000 / 25
	}
}
