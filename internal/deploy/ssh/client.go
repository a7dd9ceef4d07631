package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const (
	dialTimeout       = 15 * time.Second
	keepAlive         = 15 * time.Second
	dialTries         = 3
	firstDialInterval = time.Second
)

// ErrSignIn says that the host accepts none of the user's keys.
var ErrSignIn = errors.New("the host refused the sign-in")

// Client is a connection to a host, which all its scripts share.
type Client struct {
	ssh   *ssh.Client
	close []func()
	sudo  sudo
}

// Dial connects to a host, through its jump hosts. It tries again when the network fails, and never when the host refuses: a host blocks
// who fails to sign in too often.
func Dial(ctx context.Context, o Options) (*Client, error) {
	d, err := o.resolve(o.Host)
	if err != nil {
		return nil, err
	}
	interval := firstDialInterval
	for try := 1; ; try++ {
		c, err := o.dial(ctx, d)
		var network net.Error
		if err == nil || try == dialTries || !errors.As(err, &network) || ctx.Err() != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(interval):
			interval *= 2
		}
	}
}

func (o *Options) dial(ctx context.Context, d *destination) (*Client, error) {
	c := &Client{}
	network := (&net.Dialer{Timeout: dialTimeout}).DialContext
	for _, jump := range d.jumps {
		via, err := o.resolve(jump)
		if err != nil {
			return nil, c.abandon(err)
		}
		client, err := o.connect(ctx, network, via, c)
		if err != nil {
			return nil, c.abandon(fmt.Errorf("connecting to the jump host %s: %w", via.alias, err))
		}
		network = client.DialContext
	}
	client, err := o.connect(ctx, network, d, c)
	if err != nil {
		return nil, c.abandon(fmt.Errorf("connecting to %s@%s: %w", d.user, d.address, err))
	}
	c.ssh = client
	go c.keepAlive()
	return c, nil
}

// connect opens one connection, which c closes.
func (o *Options) connect(
	ctx context.Context, network func(context.Context, string, string) (net.Conn, error), d *destination, c *Client,
) (*ssh.Client, error) {
	methods, closeAgent := o.authMethods(ctx, d)
	c.close = append(c.close, closeAgent)
	config := &ssh.ClientConfig{User: d.user, Auth: methods, Timeout: dialTimeout}
	if err := o.verifyHostKey(d, config); err != nil {
		return nil, err
	}
	var client *ssh.Client
	var err error
	for _, algorithms := range o.keyTypes(d, config) {
		config.HostKeyAlgorithms = algorithms
		client, err = handshake(ctx, network, d.address, config)
		if err == nil {
			c.close = append(c.close, func() { _ = client.Close() })
			return client, nil
		}
		if !mayHaveAnotherKey(err) {
			break
		}
	}
	return nil, err
}

func handshake(
	ctx context.Context, network func(context.Context, string, string) (net.Conn, error), address string, config *ssh.ClientConfig,
) (*ssh.Client, error) {
	connection, err := network(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	defer stop()
	authenticated, channels, requests, err := ssh.NewClientConn(connection, address, config)
	if err != nil {
		_ = connection.Close()
		if strings.Contains(err.Error(), "unable to authenticate") { // x/crypto has no type for it
			return nil, fmt.Errorf("%w: %w. Give a key that it accepts with --ssh-key, or add one to the SSH agent", ErrSignIn, err)
		}
		return nil, err
	}
	return ssh.NewClient(authenticated, channels, requests), nil
}

// MarkRefused marks an error after which a person has to act before anything is tried again, as one of the preflight.
func MarkRefused(err error) error {
	for _, refused := range []error{ErrHostKeyChanged, ErrHostKeyUnknown, ErrSignIn, ErrKey, ErrSudo} {
		if errors.Is(err, refused) {
			return deploy.Failf(deploy.PreflightFailed, "%w", err)
		}
	}
	return err
}

func (c *Client) abandon(err error) error {
	c.Close()
	return err
}

// keepAlive finds out that a host is gone, and ends the connection then.
func (c *Client) keepAlive() {
	for {
		answered := make(chan error, 1)
		go func() {
			_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			if err != nil {
				return
			}
		case <-time.After(3 * keepAlive):
			c.Close()
			return
		}
		<-time.After(keepAlive)
	}
}

// Close ends the connection.
func (c *Client) Close() {
	for _, end := range slices.Backward(c.close) {
		end()
	}
}

// DialContext opens a connection from the host, such as to "unix", a socket of it, with the rights of the user.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return c.ssh.DialContext(ctx, network, address)
}

// ExitError is a script that failed, with the end of what it printed.
type ExitError struct {
	Code   int
	Output string
}

// Error implements error.
func (e *ExitError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("exit code %d: %s", e.Code, strings.TrimSpace(e.Output)), ": ")
}

// run runs a command line of the login shell. stdin is what it reads, and lines gets each line that it prints.
func (c *Client) run(ctx context.Context, command string, stdin io.Reader, lines func(string)) error {
	session, err := c.ssh.NewSession()
	if err != nil {
		return fmt.Errorf("opening an SSH session: %w", err)
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	output := &lineWriter{lines: lines}
	session.Stdin, session.Stdout, session.Stderr = stdin, output, output
	err = session.Run(command)
	output.flush()
	var exited *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exited):
		return &ExitError{Code: exited.ExitStatus(), Output: output.tail()}
	case err != nil:
		return fmt.Errorf("the SSH connection broke: %w", err)
	}
	return nil
}
