// An interop endpoint on quic-go, with the options and the environment of `leat interop`:
//
//	quic_go client|server [--www D] [--downloads D] [--certs D] [--listen HOST:PORT]
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

var (
	www, downloads, certs, listen string
	testcase                      = os.Getenv("TESTCASE")
	cases                         = map[string]bool{"handshake": true, "transfer": true, "multiconnect": true, "retry": true,
		"resumption": true, "zerortt": true, "http3": true, "chacha20": true}
)

const streamsAtOnce = 100

func config() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: 60 * time.Second, MaxIdleTimeout: 60 * time.Second, DisablePathMTUDiscovery: true,
		Allow0RTT: testcase == "zerortt"}
}

func say(conn *quic.Conn) {
	<-conn.HandshakeComplete()
	state := conn.ConnectionState().TLS
	resumed := "no"
	if state.DidResume {
		resumed = "yes"
	}
	fmt.Printf("handshake cipher=%s resumed=%s\n", tls.CipherSuiteName(state.CipherSuite), resumed)
}

// ---- client

func save(location string, body io.Reader) error {
	file, err := os.Create(filepath.Join(downloads, path.Base(location)))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, body)
	return err
}

func get(conn *quic.Conn, location *url.URL) error {
	stream, err := conn.OpenStreamSync(context.Background())
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(stream, "GET %s\r\n", location.Path); err != nil {
		return err
	}
	stream.Close()
	return save(location.Path, stream)
}

func download(tlsConfig *tls.Config, urls []*url.URL) error {
	dial := quic.DialAddr
	if testcase == "zerortt" {
		dial = quic.DialAddrEarly
	}
	conn, err := dial(context.Background(), urls[0].Host, tlsConfig, config())
	if err != nil {
		return err
	}
	defer conn.CloseWithError(0, "")
	limit := make(chan struct{}, streamsAtOnce)
	failures := make([]error, len(urls))
	var group sync.WaitGroup
	for i, one := range urls {
		limit <- struct{}{}
		group.Go(func() { failures[i] = get(conn, one); <-limit })
	}
	group.Wait()
	say(conn)
	return errors.Join(failures...)
}

func downloadHTTP3(tlsConfig *tls.Config, urls []*url.URL) error {
	transport := &http3.Transport{TLSClientConfig: tlsConfig, QUICConfig: config()}
	defer transport.Close()
	client := &http.Client{Transport: transport}
	for _, one := range urls {
		response, err := client.Get(one.String())
		if err != nil {
			return err
		}
		if response.StatusCode != 200 {
			return errors.New(response.Status)
		}
		if err = save(one.Path, response.Body); err != nil {
			return err
		}
	}
	return nil
}

func runClient() error {
	pem, err := os.ReadFile(filepath.Join(certs, "ca.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	tlsConfig := &tls.Config{RootCAs: roots, NextProtos: []string{"hq-interop"},
		ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	var urls []*url.URL
	for _, text := range strings.Fields(os.Getenv("REQUESTS")) {
		one, err := url.Parse(text)
		if err != nil {
			return err
		}
		urls = append(urls, one)
	}
	switch testcase {
	case "http3":
		tlsConfig.NextProtos = []string{http3.NextProtoH3}
		return downloadHTTP3(tlsConfig, urls)
	case "multiconnect":
		tlsConfig.ClientSessionCache = nil
		for i := range urls {
			if err = download(tlsConfig, urls[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case "resumption", "zerortt":
		if err = download(tlsConfig, urls[:1]); err == nil {
			err = download(tlsConfig, urls[1:])
		}
		return err
	}
	return download(tlsConfig, urls)
}

// ---- server

func answer(stream *quic.Stream) {
	line, _ := bufio.NewReader(stream).ReadString('\n')
	name := strings.TrimSpace(strings.TrimPrefix(line, "GET "))
	file, err := os.Open(filepath.Join(www, path.Base(name)))
	if err != nil {
		stream.CancelWrite(1)
		return
	}
	defer file.Close()
	if _, err = io.Copy(stream, file); err == nil {
		stream.Close()
	}
}

func serveConn(conn *quic.Conn) {
	go say(conn)
	for {
		stream, err := conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go answer(stream)
	}
}

func runServer() error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(certs, "cert.pem"), filepath.Join(certs, "priv.key"))
	if err != nil {
		return err
	}
	address, err := net.ResolveUDPAddr("udp", listen)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return err
	}
	transport := &quic.Transport{Conn: socket, VerifySourceAddress: func(net.Addr) bool { return testcase == "retry" }}
	tlsConfig := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"hq-interop"}}
	if testcase == "http3" {
		tlsConfig = http3.ConfigureTLSConfig(tlsConfig)
	}
	listener, err := transport.ListenEarly(tlsConfig, config())
	if err != nil {
		return err
	}
	fmt.Printf("listening: %s\n", socket.LocalAddr())
	if testcase == "http3" {
		return (&http3.Server{Handler: http.FileServer(http.Dir(www))}).ServeListener(listener)
	}
	for {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return err
		}
		go serveConn(conn)
	}
}

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	flags := flag.NewFlagSet("quic_go", flag.ExitOnError)
	flags.StringVar(&www, "www", "/www", "")
	flags.StringVar(&downloads, "downloads", "/downloads", "")
	flags.StringVar(&certs, "certs", "/certs", "")
	flags.StringVar(&listen, "listen", "[::]:443", "")
	flags.Parse(os.Args[min(2, len(os.Args)):])
	run, ok := map[string]func() error{"client": runClient, "server": runServer}[role]
	// Go's TLS lets nobody choose the suites of TLS 1.3.
	if !cases[testcase] || (testcase == "chacha20" && role == "client") || !ok {
		os.Exit(127)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
