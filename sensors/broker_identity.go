package sensors

import (
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Where certificates stand for users, the entrance writes the user into the first packet of a connection, which says who
// connects: the name in the certificate, and a password that nobody but this process knows.

// maxConnect bounds the first packet: a client id, a will and a user with its password, each of at most 64 KiB.
const maxConnect = 5 << 16

// patience is how long a client may take to say who it is.
const patience = 10 * time.Second

// nameOf is whom a certificate names: its common name, or where it has none its first DNS name or e-mail address.
func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	}
	return ""
}

// identified passes the first packet of a client on, with the user of its certificate in place of the one that it names, if any.
func (e *entrance) identified(client, server net.Conn, certificate *x509.Certificate) error {
	err := client.SetReadDeadline(time.Now().Add(patience))
	if err != nil {
		return err
	}
	body, err := readConnect(client)
	if err != nil {
		return err
	}
	name := nameOf(certificate)
	password, ok := e.identities[name]
	if !ok {
		client.Write([]byte{0x20, 2, 0, 5}) // CONNACK: not authorised; it need not arrive
		return fmt.Errorf("its certificate names %q, and the users file has no such user: add it, or give the client a certificate with a name that is there", name)
	}
	packet, err := connectAs(body, name, password)
	if err == nil {
		_, err = server.Write(packet)
	}
	return errors.Join(err, client.SetReadDeadline(time.Time{}))
}

// byByte reads no further than it is asked to.
type byByte struct{ io.Reader }

// ReadByte implements io.ByteReader.
func (r byByte) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}

// readConnect reads a CONNECT packet and gives what is behind its length.
func readConnect(client io.Reader) ([]byte, error) {
	from := byByte{client}
	kind, err := from.ReadByte()
	if err != nil {
		return nil, err
	}
	if kind != 0x10 {
		return nil, errors.New("it does not begin with an MQTT CONNECT packet")
	}
	n, err := binary.ReadUvarint(from)
	if err != nil {
		return nil, err
	}
	if n > maxConnect {
		return nil, fmt.Errorf("its CONNECT packet has %d bytes: %d are allowed", n, maxConnect)
	}
	body := make([]byte, n)
	_, err = io.ReadFull(from, body)
	return body, err
}

// The bits of a CONNECT packet's flags.
const (
	connectWill     = 1 << 2
	connectPassword = 1 << 6
	connectUser     = 1 << 7
)

// connectAs writes a CONNECT packet of MQTT 3.1 or 3.1.1 anew with this user and password.
func connectAs(body []byte, user, password string) ([]byte, error) {
	broken := errors.New("its CONNECT packet is not what MQTT 3.1.1 wants")
	rest := body
	field := func() bool {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return false
		}
		rest = rest[2+int(binary.BigEndian.Uint16(rest)):]
		return true
	}
	if !field() || len(rest) < 4 { // protocol; level, flags, keep alive
		return nil, broken
	}
	if level := rest[0]; level != 3 && level != 4 {
		return nil, fmt.Errorf("it speaks MQTT with level %d: set it to 3.1.1", level)
	}
	flags := len(body) - len(rest) + 1
	bits := body[flags]
	rest = rest[4:]
	fields := 1 // client id
	if bits&connectWill != 0 {
		fields += 2 // its topic and message
	}
	for range fields {
		if !field() {
			return nil, broken
		}
	}
	kept := body[:len(body)-len(rest)]
	if bits&connectUser != 0 && !field() || bits&connectPassword != 0 && !field() || len(rest) > 0 {
		return nil, broken
	}
	size := len(kept) + 4 + len(user) + len(password)
	out := binary.AppendUvarint([]byte{0x10}, uint64(size))
	from := len(out)
	out = append(out, kept...)
	out[from+flags] = bits | connectUser | connectPassword
	for _, text := range []string{user, password} {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(text))), text...)
	}
	return out, nil
}
