// Package filelock locks files against other processes, with flock(2). The kernel releases a lock when its holder ends, and Go does not
// pass it on to children.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const retryInterval = 100 * time.Millisecond

// Try locks a file until it is closed, and creates the file if it does not exist. If another process holds the lock, it fails at once
// with [syscall.EWOULDBLOCK].
func Try(path string) (*os.File, error) {
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

// Wait is like [Try], but waits for the lock. It calls waiting once before it waits.
func Wait(ctx context.Context, path string, waiting func()) (*os.File, error) {
	lock, err := Try(path)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return lock, err
	}
	waiting()
	ticker := time.NewTicker(retryInterval)
	defer ticker.Stop()
	for errors.Is(err, syscall.EWOULDBLOCK) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, context.Cause(ctx))
		case <-ticker.C:
			lock, err = Try(path)
		}
	}
	return lock, err
}
