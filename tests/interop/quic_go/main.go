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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

var (
	www, downloads, certs, listen string
	testcase                      = os.Getenv("TESTCASE")
	cases                         = []string{"handshake", "transfer", "multiconnect", "retry", "resumption", "zerortt", "http3",
		"chacha20", "ecn", "keyupdate", "v2", "connectionmigration"}
)

// What the library cannot do, and the words that say so.
var refusals = []struct{ testcase, roles, reason string }{
	{"chacha20", "client", "Go, crypto/tls.Config.CipherSuites: \"Note that TLS 1.3 ciphersuites are not configurable\""},
	{"keyupdate", "client", "quic-go, Conn: no method starts a key update"},
	{"v2", "client server", "quic-go, Config.Versions: Version2 can be chosen, but there is no compatible version negotiation (RFC 9368)"},
	{"connectionmigration", "client server", "quic-go, Config and Transport: no preferred address to set; the client takes only its connection ID"},
}

const (
	streamsAtOnce = 100
	unsupported   = 127
)

func config() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: 60 * time.Second, MaxIdleTimeout: 60 * time.Second, KeepAlivePeriod: time.Second, DisablePathMTUDiscovery: true,
		Allow0RTT: testcase == "zerortt"}
}

func keyLog() io.Writer {
	file, err := os.OpenFile(os.Getenv("SSLKEYLOGFILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	return file
}

func say(conn *quic.Conn) {
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

// Connection IDs are not empty, so that a capture's reader finds the connection on new paths.
func dial(tlsConfig *tls.Config, host string) (*quic.Conn, error) {
	address, err := net.ResolveUDPAddr("udp", host)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	tlsConfig = tlsConfig.Clone()
	tlsConfig.ServerName, _, _ = net.SplitHostPort(host)
	transport := &quic.Transport{Conn: socket, ConnectionIDLength: 8}
	if testcase == "zerortt" {
		return transport.DialEarly(context.Background(), address, tlsConfig, config())
	}
	return transport.Dial(context.Background(), address, tlsConfig, config())
}

func download(tlsConfig *tls.Config, urls []*url.URL) error {
	conn, err := dial(tlsConfig, urls[0].Host)
	if err != nil {
		return err
	}
	say(conn)
	defer conn.CloseWithError(0, "")
	limit := make(chan struct{}, streamsAtOnce)
	failures := make([]error, len(urls))
	var group sync.WaitGroup
	for i, one := range urls {
		limit <- struct{}{}
		group.Go(func() { failures[i] = get(conn, one); <-limit })
	}
	group.Wait()
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
	tlsConfig := &tls.Config{RootCAs: roots, NextProtos: []string{"hq-interop"}, KeyLogWriter: keyLog(),
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
	<-conn.HandshakeComplete()
	say(conn)
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
	tlsConfig := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"hq-interop"}, KeyLogWriter: keyLog()}
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
	if !slices.Contains(cases, testcase) || !ok {
		fmt.Fprintf(os.Stderr, "no test case %q here\n", testcase)
		os.Exit(unsupported)
	}
	for _, row := range refusals {
		// The runner starts clients of some cases as "transfer": CASE, of our own matrix, has the case's name.
		if (row.testcase == testcase || row.testcase == os.Getenv("CASE")) && strings.Contains(row.roles, role) {
			fmt.Fprintln(os.Stderr, row.reason)
			os.Exit(unsupported)
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
