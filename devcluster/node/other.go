//go:build !linux

package node

import "errors"

var errNotLinux = errors.New("only Linux runs a node")

// RunChild does nothing.
func RunChild() {}

type supervisor struct{ exited chan struct{} }

func startSupervisor(*config) (*supervisor, error) { return nil, errNotLinux }

func (*supervisor) stop() {}
