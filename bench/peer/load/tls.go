package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// certificates are those that command certs wrote.
type certificates struct {
	authorities      *x509.CertPool
	client, stranger tls.Certificate
}

func readCertificates(folder string) (*certificates, error) {
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	all := &certificates{authorities: x509.NewCertPool()}
	if !all.authorities.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: no certificate in ca.pem", folder)
	}
	for name, pair := range map[string]*tls.Certificate{"client": &all.client, "stranger": &all.stranger} {
		path := filepath.Join(folder, name)
		if *pair, err = tls.LoadX509KeyPair(path+".pem", path+"-key.pem"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// config is the TLS configuration of a client with this certificate. It offers the curves X25519 and P-256 only. With
// Go's default curves, the Go server would choose a post-quantum key exchange. Node 20 does not have it, so the servers
// would do different work.
func (c *certificates) config(certificate *tls.Certificate) *tls.Config {
	return &tls.Config{
		ServerName:       "localhost",
		RootCAs:          c.authorities,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		NextProtos:       []string{"h2"},
		MinVersion:       tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate, nil
		},
	}
}

// credentials are those of a stream's connection. The fleet counts its handshake.
func (f *fleet) credentials(sessions tls.ClientSessionCache) credentials.TransportCredentials {
	if f.certificates == nil {
		return insecure.NewCredentials()
	}
	config := f.certificates.config(&f.certificates.client)
	config.ClientSessionCache = sessions
	config.VerifyConnection = func(state tls.ConnectionState) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.handshakes++
		if state.DidResume {
			f.resumed++
		}
		return nil
	}
	return credentials.NewTLS(config)
}

// strangers returns an error unless the server refuses a client without a certificate, and one with a certificate of
// another CA.
func (f *fleet) strangers() error {
	if f.certificates == nil {
		return errors.New("there are no certificates")
	}
	for what, certificate := range map[string]*tls.Certificate{
		"no certificate":              {},
		"a certificate of another CA": &f.certificates.stranger,
	} {
		if err := f.refused(f.certificates.config(certificate)); err != nil {
			return fmt.Errorf("a client with %s: %w", what, err)
		}
	}
	return nil
}

// greeting is what an HTTP/2 client sends first: the preface and empty settings. A server that takes the client
// answers it.
const greeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func (f *fleet) refused(config *tls.Config) error {
	plain, err := net.Dial("tcp", f.address)
	if err != nil {
		return err
	}
	defer plain.Close()
	if err := plain.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	conn := tls.Client(plain, config)
	// In TLS 1.3 the client's handshake ends before the server has seen its certificate. The refusal comes with a later
	// read.
	if _, err = conn.Write([]byte(greeting)); err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	switch {
	case err == nil:
		return errors.New("the server took it")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the server neither took nor refused it")
	}
	return nil
}
