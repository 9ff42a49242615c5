// Reads keys, certificates and requests with Go's crypto/x509: one line for each file, its public key
// (SubjectPublicKeyInfo) in base64, or the error.
package main

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
)

func public(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	kind := ""
	if block, _ := pem.Decode(data); block != nil {
		data, kind = block.Bytes, block.Type
	}
	if certificate, err := x509.ParseCertificate(data); err == nil {
		return x509.MarshalPKIXPublicKey(certificate.PublicKey)
	}
	if request, err := x509.ParseCertificateRequest(data); err == nil {
		if err := request.CheckSignature(); err != nil {
			return nil, err
		}
		return x509.MarshalPKIXPublicKey(request.PublicKey)
	}
	if key, err := x509.ParsePKIXPublicKey(data); err == nil {
		return x509.MarshalPKIXPublicKey(key)
	}
	if key, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return x509.MarshalPKIXPublicKey(key)
	}
	var private interface{}
	if private, err = x509.ParsePKCS8PrivateKey(data); err != nil {
		if private, err = x509.ParsePKCS1PrivateKey(data); err != nil {
			if private, err = x509.ParseECPrivateKey(data); err != nil {
				return nil, fmt.Errorf("%s: no parser takes it", kind)
			}
		}
	}
	return x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public())
}

func main() {
	for _, name := range os.Args[1:] {
		if key, err := public(name); err != nil {
			fmt.Println("error", err)
		} else {
			fmt.Println(base64.StdEncoding.EncodeToString(key))
		}
	}
}
