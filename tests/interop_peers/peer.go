// A TLS 1.3 peer over Go's crypto/tls; scripts/interop.py says what it is given and what it prints.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

func main() {
	role, port, cert, key, ca, auth := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6] == "1"
	pair, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	pem, err := os.ReadFile(ca)
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ClientCAs: pool, ServerName: "localhost"}
	if role == "server" {
		config.Certificates = []tls.Certificate{pair}
		if auth {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		serve(port, config)
		return
	}
	if auth {
		config.Certificates = []tls.Certificate{pair}
	}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range strings.Count(os.Args[7], "c") {
		connect(port, config)
	}
}

func serve(port string, config *tls.Config) {
	listener, err := tls.Listen("tcp", "127.0.0.1:"+port, config)
	check(err)
	fmt.Println("ready")
	for {
		connection, err := listener.Accept()
		check(err)
		go answer(connection.(*tls.Conn))
	}
}

func answer(connection *tls.Conn) {
	defer connection.Close()
	lines := bufio.NewReader(connection)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if err != io.EOF {
				fmt.Println("error", err)
			}
			report(connection)
			return
		}
		fmt.Fprint(connection, line)
	}
}

func connect(port string, config *tls.Config) {
	plain, err := net.Dial("tcp", "127.0.0.1:"+port)
	check(err)
	connection := tls.Client(plain, config)
	lines := bufio.NewReader(connection)
	for range 2 {
		_, err = fmt.Fprint(connection, "hello\n")
		check(err)
		line, err := lines.ReadString('\n')
		check(err)
		fmt.Print("got ", line)
	}
	report(connection)
	check(connection.Close())
}

func report(connection *tls.Conn) {
	state := connection.ConnectionState()
	fmt.Printf("done resumed=%t group=%s certificates=%d\n", state.DidResume, state.CurveID, len(state.PeerCertificates))
}

func check(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}
