//go:build !linux

package machine

import "errors"

// CanRun returns an error: only Linux runs a node.
func CanRun() error { return errors.New("a real node can't run here; missing: Linux") }
