// Command podtool runs in the pods of the tests: `podtool agent PORT...` does in its pod what a test asks for by HTTP at the first port,
// and accepts connections at the others; `podtool flyte` is the double of FlyteAdmin; `podtool eat MIB` uses memory;
// `podtool fill FILE MIB` fills a disk; `podtool end` does nothing.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "podtool:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	commands := map[string]func([]string) error{
		"agent": agent, "flyte": flyte, "eat": eat, "fill": fill, "end": func([]string) error { return nil },
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return fmt.Errorf("unknown arguments %q", args)
	}
	return commands[args[0]](args[1:])
}

func flyte([]string) error {
	listener, err := net.Listen("tcp", ":8089")
	if err != nil {
		return err
	}
	flytetest.Serve(listener)
	return hold()
}

// eat uses so many MiB of memory, and keeps them.
func eat(args []string) error {
	n, err := mebibytes(args, 0)
	if err != nil {
		return err
	}
	var eaten [][]byte
	for range n {
		eaten = append(eaten, bytes.Repeat([]byte{1}, 1<<20))
	}
	err = hold()
	runtime.KeepAlive(eaten)
	return err
}

// fill writes so many MiB into a file, and keeps them.
func fill(args []string) error {
	n, err := mebibytes(args, 1)
	if err != nil {
		return err
	}
	file, err := os.Create(args[0])
	if err != nil {
		return err
	}
	for range n {
		if _, err := file.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
	}
	return hold()
}

// mebibytes is an argument as a number.
func mebibytes(args []string, i int) (int, error) {
	if len(args) <= i {
		return 0, fmt.Errorf("too few arguments: %q", args)
	}
	return strconv.Atoi(args[i])
}

// hold returns when somebody sends SIGUSR1. It takes no notice of SIGTERM, or an evicted pod would have ended well.
func hold() error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
	defer cancel()
	<-ctx.Done()
	return nil
}

func agent(ports []string) error {
	if len(ports) == 0 {
		return errors.New("the agent needs a port")
	}
	for _, port := range ports[1:] {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go accept(listener)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {}) // all ports listen by now
	mux.HandleFunc("GET /dial", dial)
	mux.HandleFunc("GET /resolve", resolve)
	mux.HandleFunc("GET /file", file)
	ended := make(chan error, 2)
	mux.HandleFunc("POST /exit", func(http.ResponseWriter, *http.Request) { ended <- nil })
	server := &http.Server{Addr: ":" + ports[0], Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { ended <- server.ListenAndServe() }()
	return <-ended
}

func accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}

const (
	dialTimeout  = 1500 * time.Millisecond // a packet that was dropped is repeated after a second
	replyTimeout = 500 * time.Millisecond
)

// dial answers "" when a connection was made or, by UDP, an echo came back.
func dial(w http.ResponseWriter, r *http.Request) {
	network, address := r.FormValue("network"), r.FormValue("address")
	ctx, cancel := context.WithTimeout(r.Context(), dialTimeout)
	defer cancel()
	answer(w, func() error {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if network != "udp" {
			return nil
		}
		return echo(conn)
	}())
}

// echo sends a packet three times at most.
func echo(conn net.Conn) (err error) {
	for range 3 {
		if err := conn.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte("ping")); err != nil {
			return err
		}
		if _, err = conn.Read(make([]byte, 16)); err == nil {
			return nil
		}
	}
	return err
}

// resolve asks the cluster's DNS for a name, by UDP or TCP.
func resolve(w http.ResponseWriter, r *http.Request) {
	network := r.FormValue("network")
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	ctx, cancel := context.WithTimeout(r.Context(), 2*dialTimeout)
	defer cancel()
	_, err := resolver.LookupHost(ctx, r.FormValue("name"))
	answer(w, err)
}

// file answers with the content of a file in the pod.
func file(w http.ResponseWriter, r *http.Request) {
	text, err := os.ReadFile(r.FormValue("path"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(text)
}

func answer(w io.Writer, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	_ = json.NewEncoder(w).Encode(text) // the client may have gone
}
