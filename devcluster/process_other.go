//go:build unix && !linux

package devcluster

// isPaused can't observe threads here, and trusts the signal.
func isPaused(int) bool { return true }
