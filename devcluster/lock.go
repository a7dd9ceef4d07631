package devcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const lockInterval = 100 * time.Millisecond

// Locks are flock(2): the kernel releases them when the holder ends, however it
// ends, and Go does not pass them on to children.

// tryLock fails at once when another holds the lock, with an error that is
// syscall.EWOULDBLOCK.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return file, nil
}

// waitLock waits as long as ctx allows; waiting is called once, before it does.
func waitLock(ctx context.Context, path string, waiting func()) (*os.File, error) {
	lock, err := tryLock(path)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return lock, err
	}
	waiting()
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()
	for errors.Is(err, syscall.EWOULDBLOCK) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, context.Cause(ctx))
		case <-ticker.C:
			lock, err = tryLock(path)
		}
	}
	return lock, err
}
