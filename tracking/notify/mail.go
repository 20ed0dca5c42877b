package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// Mail sends through one server.
type Mail struct {
	addr, host string
	implicit   bool // TLS from the first byte
	plain      bool // no TLS at all
	auth       smtp.Auth
	from       mail.Address
	tls        *tls.Config // nil: as usual
	base       string      // of links in the text; empty: none
}

const mailTimeout = 30 * time.Second

// NewMail makes a Mail of a server's URL, "smtp://user@host:587" (STARTTLS, which must
// be there), "smtps://host:465" (TLS from the start) or "smtp+plain://host:25" (none:
// for a relay on the same machine), and the sender's address. A password is not part
// of the URL, which others may see. base is where people reach this server; empty: it
// is not told.
func NewMail(server, password, from, base string) (*Mail, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not a mail server such as smtp://user@mail.example:587", server)
	}
	m := &Mail{host: u.Hostname(), base: strings.TrimSuffix(base, "/")}
	port := u.Port()
	switch u.Scheme {
	case "smtp":
		port = or(port, "587")
	case "smtps":
		m.implicit, port = true, or(port, "465")
	case "smtp+plain":
		m.plain, port = true, or(port, "25")
	default:
		return nil, fmt.Errorf("%q: use smtp, smtps or smtp+plain", u.Scheme)
	}
	m.addr = net.JoinHostPort(m.host, port)
	if name := u.User.Username(); name != "" {
		if m.plain {
			return nil, fmt.Errorf("%s would get the password without TLS: use smtp or smtps, or leave the user out", server)
		}
		m.auth = smtp.PlainAuth("", name, password, m.host)
	}
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("sender %q is not a mail address", from)
	}
	m.from = *a
	return m, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (m *Mail) send(ctx context.Context, d delivery) error {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.addr)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	config := m.tls.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName = m.host
	if m.implicit {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		_ = conn.Close()
		return err
	}
	defer c.Close()
	if !m.implicit && !m.plain {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return fmt.Errorf("%s offers no STARTTLS, and nothing is sent in the clear (smtp+plain:// says that it may be)", m.addr)
		}
		if err := c.StartTLS(config); err != nil {
			return err
		}
	}
	if m.auth != nil {
		if err := c.Auth(m.auth); err != nil {
			return err
		}
	}
	if err := c.Mail(m.from.Address); err != nil {
		return err
	}
	for _, to := range d.hook.Mail {
		if err := c.Rcpt(to); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.text(d)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it has taken the message
	return nil
}

// text is the message with its headers. What comes from outside is encoded, so that
// no name can add a header.
func (m *Mail) text(d delivery) []byte {
	a := &d.alert
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", m.from.String())
	header("To", strings.Join(d.hook.Mail, ", "))
	about := string(a.Event.Shipment)
	if about == "" {
		about = string(a.Event.Unit)
	}
	header("Subject", mime.QEncoding.Encode("utf-8", clip(fmt.Sprintf("[%s] %s: %s %s", a.Severity, a.Name, a.Event.Kind, about))))
	header("Date", a.Raised.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+textproto.TrimString(d.ID())+"@"+messageHost(m.from.Address)+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(q, "%-10s %s\r\n", name, value)
		}
	}
	line("Alert", a.Name+" ("+string(a.Severity)+")")
	line("What", a.Event.Kind+detail(a.Event.Detail))
	line("When", a.Event.Time.UTC().Format("2006-01-02 15:04 MST"))
	line("Shipment", string(a.Event.Shipment))
	line("Unit", string(a.Event.Unit))
	line("Where", a.Event.Where)
	if a.Event.Lat != nil && a.Event.Lon != nil {
		line("Position", fmt.Sprintf("%.5f, %.5f", *a.Event.Lat, *a.Event.Lon))
	}
	line("For", a.Owner)
	if a.Count > 1 {
		line("So far", fmt.Sprintf("%d times", a.Count))
	}
	if m.base != "" && a.Event.Shipment != "" {
		line("See", m.base+"/live?shipment="+url.QueryEscape(string(a.Event.Shipment)))
	}
	_ = q.Close() // into a buffer
	return b.Bytes()
}

func detail(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func messageHost(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
