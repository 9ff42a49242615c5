// The other side of a driver's scenario: see bindings/python/tests/driver_matrix.py. Prints its port, and a
// line for each connection that came to its end.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const piece = 64 * 1024

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	folder := os.Args[1]
	pair, err := tls.LoadX509KeyPair(folder+"/server.pem", folder+"/server.key")
	check(err)
	anchor, err := os.ReadFile(folder + "/ca.pem")
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(anchor)
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		socket, err := listener.Accept()
		check(err)
		go func() {
			said, err := play(tls.Server(socket, config), socket)
			if err != nil {
				said = "wrong: " + err.Error()
			}
			socket.Close()
			fmt.Println(said)
		}()
	}
}

// The octets i % 251 from start on.
func pattern(start, length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte((start + i) % 251)
	}
	return data
}

func play(conn *tls.Conn, socket net.Conn) (string, error) {
	in := bufio.NewReaderSize(conn, piece)
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	var scenario string
	var size int
	if _, err := fmt.Sscan(line, &scenario, &size); err != nil {
		return "", err
	}
	switch scenario {
	case "echo", "octets", "signals":
		count, err := io.Copy(conn, in)
		conn.CloseWrite()
		return fmt.Sprintf("echoed %d of %d", count, size), err
	case "both":
		failed := make(chan error)
		go func() { failed <- expect(in, size) }()
		if err := write(conn, size); err != nil {
			return "", err
		}
		if err := <-failed; err != nil {
			return "", err
		}
		return "both went", finish(conn, in)
	case "half-close", "slow":
		count, buffer := 0, make([]byte, piece)
		for {
			n, err := in.Read(buffer)
			if !bytes.Equal(buffer[:n], pattern(count, n)) {
				return "", errors.New("other octets")
			}
			count += n
			if scenario == "slow" {
				time.Sleep(time.Duration(n) * time.Second / (4 << 20))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return "", err
			}
		}
		fmt.Fprintf(conn, "got %d\n", count)
		return fmt.Sprintf("got %d of %d", count, size), finish(conn, in)
	case "cut":
		err := write(conn, size)
		socket.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, socket)
		return "cut", err
	case "cancel":
		if _, err := io.CopyN(io.Discard, in, 64*1024); err != nil {
			return "", err
		}
		time.Sleep(time.Second)
		if count, err := io.Copy(io.Discard, in); err == nil {
			return fmt.Sprintf("wrong: a clean end after %d of %d octets", count, size), nil
		}
		return "truncated", nil
	case "close":
		io.Copy(io.Discard, in)
		return "ended", nil
	case "select":
		for start := 0; start < size; start += 1000 {
			if _, err := conn.Write(pattern(start, min(1000, size-start))); err != nil {
				return "", err
			}
		}
		return "sent", finish(conn, in)
	}
	return "", errors.New("no such scenario: " + line)
}

func write(conn *tls.Conn, size int) error {
	for start := 0; start < size; start += piece {
		if _, err := conn.Write(pattern(start, min(piece, size-start))); err != nil {
			return err
		}
	}
	return nil
}

func expect(in io.Reader, size int) error {
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return err
	}
	if !bytes.Equal(data, pattern(0, size)) {
		return errors.New("other octets")
	}
	return nil
}

// Says close_notify, and waits for the other side's end.
func finish(conn *tls.Conn, in io.Reader) error {
	err := conn.CloseWrite()
	io.Copy(io.Discard, in)
	return err
}
