package logtest

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Cluster is three NATS servers with JetStream on loopback ports, as operators run
// them on three machines.
type Cluster struct {
	t       testing.TB
	servers []*server.Server
}

// StartCluster runs a cluster until the test ends.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	const nodes = 3
	// Each must know all routes before any is up, so the ports are found first.
	var routes []*url.URL
	var ports []int
	var free []net.Listener
	for range nodes {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free = append(free, l)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
	}
	for _, l := range free {
		_ = l.Close()
	}
	c := &Cluster{t: t}
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), Routes: routes,
			Cluster: server.ClusterOpts{Name: "corridor", Host: "127.0.0.1", Port: port},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.servers = append(c.servers, s)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	}
	for _, s := range c.servers {
		if !s.ReadyForConnections(time.Minute) {
			t.Fatal("nats-server does not start")
		}
	}
	c.Await("leader of the cluster", func() bool { return c.Leader("") >= 0 })
	return c
}

// Await waits until something is so, for a minute at most.
func (c *Cluster) Await(what string, ready func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("no %s after a minute", what)
		}
	}
}

// Leader is the server that leads a stream, or the cluster for ""; -1: none does.
func (c *Cluster) Leader(stream string) int {
	for i, s := range c.servers {
		if s.Running() && (stream == "" && s.JetStreamIsLeader() || stream != "" && s.JetStreamIsStreamLeader("$G", stream)) {
			return i
		}
	}
	return -1
}

// Stop takes a server away.
func (c *Cluster) Stop(i int) { c.servers[i].Shutdown() }

// URL names all servers.
func (c *Cluster) URL() string {
	var all []string
	for _, s := range c.servers {
		all = append(all, s.ClientURL())
	}
	return strings.Join(all, ",")
}
