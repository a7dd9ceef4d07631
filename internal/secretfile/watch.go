package secretfile

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// checkInterval is how often, at most, a file is checked for changes.
	checkInterval = time.Second
	// minAge is how old the last modification of a file must be before we trust its time, size and inode to show the next
	// one: two modifications in quick succession can have the same time.
	minAge = 2 * time.Second
)

// File is a value that is parsed from a file, and parsed again when the file changes. It needs no goroutine, has nothing
// to close, and is safe for concurrent use.
type File[T any] struct {
	path     string
	parse    func(text string) (T, error)
	onReload func(error)

	start   time.Time
	checked atomic.Int64 // when the file was checked, in nanoseconds since start
	current atomic.Pointer[T]

	mu       sync.Mutex  // guards the rest
	info     os.FileInfo // nil if it may not show the next change
	content  []byte      // as parsed last
	parseErr error       // of parsing that content
	reported error       // the outcome that onReload knows
}

// Watch reads a file (see [Read]) and parses it. It fails if either fails.
//
// From then on [File.Current] parses the file again when its content has changed. While the file can't be read or parsed, the
// last good value stays. onReload is called with each new error, and with nil when the file is good again; the goroutine
// that called Current calls it. Errors name the path, and quote the content only if those of parse do.
func Watch[T any](path string, parse func(text string) (T, error), onReload func(error)) (*File[T], error) {
	f := &File[T]{path: path, parse: parse, onReload: onReload, start: time.Now()}
	if err := f.reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Current returns the last good value. At most once a second it checks the file, through symbolic links, which Kubernetes
// swaps when a Secret changes, and reads it only if its modification time, size or inode has changed. One caller does that
// while the others get the value that there is.
func (f *File[T]) Current() T {
	elapsed := int64(time.Since(f.start))
	if elapsed-f.checked.Load() >= int64(checkInterval) && f.mu.TryLock() {
		defer f.mu.Unlock()
		f.checked.Store(elapsed)
		f.report(f.reload())
	}
	return *f.current.Load()
}

// reload parses the file if it has changed.
func (f *File[T]) reload() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.info != nil && sameVersion(f.info, info) {
		return f.parseErr
	}
	content, err := Read(f.path)
	if err != nil {
		return err
	}
	f.info = nil
	if time.Since(info.ModTime()) > minAge {
		f.info = info
	}
	if f.content != nil && bytes.Equal(content, f.content) {
		return f.parseErr
	}
	f.content, f.parseErr = content, f.parseContent(content)
	return f.parseErr
}

// parseContent makes the value of a content the current one. If it can't be parsed, the last good value stays.
func (f *File[T]) parseContent(content []byte) error {
	value, err := f.parse(string(content))
	if err != nil {
		return fmt.Errorf("parsing %s: %w", f.path, err)
	}
	f.current.Store(&value)
	return nil
}

// report passes an outcome on if it differs from the one before.
func (f *File[T]) report(err error) {
	if fmt.Sprint(err) != fmt.Sprint(f.reported) {
		f.onReload(err)
	}
	f.reported = err
}

// sameVersion reports whether a file was neither modified nor replaced between two checks.
func sameVersion(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
