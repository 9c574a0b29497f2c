// Command certs writes the certificates of one run into a folder: ca.pem, and a pair each for server, client and
// stranger (server.pem and server-key.pem). The CA signs those of the server and of the client. Another CA signs the
// stranger's. All keys are ECDSA P-256. All certificates are valid for a day.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: certs <folder>")
	}
	folder := os.Args[1]
	ca, other := newAuthority("bench CA"), newAuthority("another CA")
	write(folder, "ca.pem", "CERTIFICATE", ca.certificate.Raw)
	client := x509.Certificate{
		Subject:     pkix.Name{CommonName: "envoy"},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "bench", Path: "/envoy"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	ca.issue(folder, "server", x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	ca.issue(folder, "client", client)
	other.issue(folder, "stranger", client)
}

func newAuthority(name string) authority {
	key := newKey()
	template := valid(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	certificate, err := x509.ParseCertificate(der)
	check(err)
	return authority{certificate, key}
}

func (a authority) issue(folder, name string, template x509.Certificate) {
	key := newKey()
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, valid(template), a.certificate, key.Public(), a.key)
	check(err)
	write(folder, name+".pem", "CERTIFICATE", der)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	write(folder, name+"-key.pem", "PRIVATE KEY", pkcs8)
}

func valid(template x509.Certificate) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	check(err)
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(24 * time.Hour)
	return &template
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

func write(folder, name, kind string, der []byte) {
	check(os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
