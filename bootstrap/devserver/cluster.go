package devserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/vault/api"
)

// askedWithin is how long a node may take to say whether it leads. One that is being killed may never answer.
const askedWithin = 2 * time.Second

// Cluster is several servers on loopback that replicate one storage by raft. One of them leads, and the others forward
// what they are asked. People are enrolled through the first node, which has to be up then, and log in through any.
type Cluster struct {
	Nodes []*Server
}

// StartCluster starts a cluster of so many nodes and returns it unsealed; the first node leads.
func StartCluster(ctx context.Context, bin string, nodes int) (*Cluster, error) {
	first, err := Start(ctx, Options{Bin: bin, Durable: true})
	if err != nil {
		return nil, err
	}
	c := &Cluster{Nodes: []*Server{first}}
	for number := 1; number < nodes; number++ {
		if err := c.grow(ctx, fmt.Sprintf("dev-%d", number)); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	if err := first.poll(ctx, "let the others vote", c.vote); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// vote reports whether every node has a vote, which it gets some seconds after it has joined. Before, the cluster does
// not outlive its leader.
func (c *Cluster) vote(ctx context.Context) bool {
	answer, err := c.Nodes[0].Root().Logical().ReadWithContext(ctx, "sys/storage/raft/configuration")
	if err != nil || answer == nil {
		return false
	}
	config, _ := answer.Data["config"].(map[string]any)
	servers, _ := config["servers"].([]any)
	voters := 0
	for _, s := range servers {
		if server, _ := s.(map[string]any); server["voter"] == true {
			voters++
		}
	}
	return voters == len(c.Nodes)
}

// grow starts one more node.
func (c *Cluster) grow(ctx context.Context, name string) error {
	first := c.Nodes[0]
	s, err := prepare(Options{Bin: first.Bin, Durable: true}, name)
	if err != nil {
		return err
	}
	c.Nodes = append(c.Nodes, s)
	s.unsealKey, s.RootToken = first.unsealKey, first.RootToken
	if err := s.launch(ctx); err != nil {
		return err
	}
	joined, err := s.Client("").Sys().RaftJoinWithContext(ctx, &api.RaftJoinRequest{LeaderAPIAddr: first.Addr})
	if err != nil {
		return err
	}
	if !joined.Joined {
		return fmt.Errorf("%s did not join the cluster", name)
	}
	return s.unsealInCluster(ctx)
}

// unsealInCluster unseals a node, and returns when it leads or knows who does.
func (s *Server) unsealInCluster(ctx context.Context) error {
	if _, err := s.Client("").Sys().UnsealWithContext(ctx, s.unsealKey); err != nil {
		return err
	}
	return s.poll(ctx, "find its leader", func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, askedWithin)
		defer cancel()
		leader, err := s.Client("").Sys().LeaderWithContext(ctx)
		return err == nil && (leader.IsSelf || leader.LeaderAddress != "")
	})
}

// Leader returns the node that leads, and waits for one while there is none.
func (c *Cluster) Leader(ctx context.Context) (*Server, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, s := range c.Nodes {
			if s.running() && s.leads(ctx) {
				return s, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("no node leads: %w", ctx.Err())
		}
	}
}

func (s *Server) leads(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	return s.active(ctx)
}

func (s *Server) running() bool {
	select {
	case <-s.process.done:
		return false
	default:
		return true
	}
}

// Revive starts a node that was killed, on the storage it left, and unseals it.
func (c *Cluster) Revive(ctx context.Context, s *Server) error {
	if err := s.launch(ctx); err != nil {
		return err
	}
	return s.unsealInCluster(ctx)
}

// Install puts the plugin's binary on every node, and registers and mounts it.
func (c *Cluster) Install(ctx context.Context, plugin Plugin) error {
	binary, err := os.ReadFile(plugin.File)
	if err != nil {
		return err
	}
	for _, s := range c.Nodes {
		if err := s.place(plugin, binary); err != nil {
			return err
		}
	}
	return c.Nodes[0].mount(ctx, plugin, binary)
}

// Stop ends the nodes and removes their files.
func (c *Cluster) Stop() error {
	var all []error
	for _, s := range c.Nodes {
		all = append(all, s.Stop())
	}
	return errors.Join(all...)
}
