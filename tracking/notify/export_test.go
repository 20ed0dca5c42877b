package notify

import (
	"crypto/tls"
	"crypto/x509"
)

// TrustForTest has mail trust certificates that nobody else does.
func TrustForTest(m *Mail, pool *x509.CertPool) {
	m.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
