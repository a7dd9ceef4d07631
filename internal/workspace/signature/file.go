package signature

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// checkInterval is how often, at most, a file is looked at.
	checkInterval = time.Second
	// settleTime is how old the last change of a file must be before its time, size and inode are trusted to show the next
	// one: two changes in quick succession can leave the same time behind.
	settleTime = 2 * time.Second
	// maxFileSize bounds what is read, in bytes.
	maxFileSize = 64 << 10
)

// File is a value that is parsed from a file, and parsed anew when the file changes: *[Keys] or *[Signer]. It needs no
// goroutine, has nothing to close, and is safe for concurrent use.
type File[T any] struct {
	path   string
	parse  func(text string) (T, error)
	report func(error)

	start   time.Time
	checked atomic.Int64 // when the file was looked at, in nanoseconds since start
	current atomic.Pointer[T]

	mu       sync.Mutex // guards the rest
	info     os.FileInfo
	digest   [sha256.Size]byte // of the content that was parsed last
	problem  error             // of parsing it
	reported string
}

// WatchFile reads a regular file of at most 64 KiB and parses it, with [ParseKeys], [NewSigner] or a function that checks more. It
// fails if that fails.
//
// From then on [File.Current] parses the file again when its content has changed. While it can't be read or parsed the last good
// value stays; report is called with the error, once until there is another one, and with nil when a later reading is good again.
// It is called by the goroutine that called Current. Errors name the path; they quote the content only if those of parse
// do, and those of this package never do.
func WatchFile[T any](path string, parse func(text string) (T, error), report func(error)) (*File[T], error) {
	f := &File[T]{path: path, parse: parse, report: report, start: time.Now()}
	if err := f.reread(); err != nil {
		return nil, err
	}
	return f, nil
}

// Current returns the last good value. At most once a second it looks at the file, through symbolic links, which Kubernetes
// swaps when a Secret changes; it reads it only if the time of change, size or inode is another. One caller does that while
// the others go on with the value that there is.
func (f *File[T]) Current() T {
	elapsed := int64(time.Since(f.start))
	if elapsed-f.checked.Load() >= int64(checkInterval) && f.mu.TryLock() {
		defer f.mu.Unlock()
		f.checked.Store(elapsed)
		f.tell(f.reread())
	}
	return *f.current.Load()
}

// reread takes the content of the file over if it has changed and is good.
func (f *File[T]) reread() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("looking at the secret file: %w", err)
	}
	if f.info != nil && sameVersion(f.info, info) {
		return f.problem
	}
	content, err := read(f.path, info)
	if err != nil {
		return fmt.Errorf("reading the secret file: %w", err)
	}
	f.info = nil
	if time.Since(info.ModTime()) > settleTime {
		f.info = info
	}
	return f.take(content)
}

// take parses the content unless it is what was parsed last.
func (f *File[T]) take(content []byte) error {
	digest := sha256.Sum256(content)
	if digest == f.digest {
		return f.problem
	}
	value, err := f.parse(string(content))
	f.digest, f.problem = digest, nil
	if err != nil {
		f.problem = fmt.Errorf("parsing the secret file %s: %w", f.path, err)
		return f.problem
	}
	f.current.Store(&value)
	return nil
}

// tell reports an outcome that differs from the one before.
func (f *File[T]) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != f.reported {
		f.reported = text
		f.report(err)
	}
}

// sameVersion says whether a file was not changed or replaced between two looks at it.
func sameVersion(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read returns the content of a file. Opening a pipe could block for ever.
func read(path string, info os.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = errors.New(path + " is larger than 64 KiB")
	}
	return content, err
}
