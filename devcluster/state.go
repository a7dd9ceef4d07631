package devcluster

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

// temporaryPattern names temporary state directories.
const temporaryPattern = "wfi-devcluster-*"

// staleAfter is how old an unlocked temporary directory must be to be removed: its owner may be about to lock it.
const staleAfter = time.Minute

// state is the state directory of a running cluster, locked against others.
type state struct {
	dir       string
	temporary bool
	lock      *os.File
}

func openState(dir string) (*state, error) {
	s := &state{dir: dir, temporary: dir == ""}
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("creating the state directory: %w", err)
	}
	lock, err := filelock.Try(s.path("lock"))
	if err != nil {
		return nil, fmt.Errorf("locking %s, which another cluster may use: %w", s.dir, err)
	}
	s.lock = lock
	return s, nil
}

func (s *state) create() (err error) {
	if s.temporary {
		removeStale(os.TempDir())
		s.dir, err = os.MkdirTemp("", temporaryPattern)
		return err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	return os.MkdirAll(s.dir, 0o700)
}

func (s *state) path(name string) string { return filepath.Join(s.dir, name) }

func (s *state) close() {
	if s.temporary {
		_ = os.RemoveAll(s.dir) // a later start removes the rest
	}
	s.lock.Close()
}

// removeStale removes the temporary directories of killed runs.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, temporaryPattern))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < staleAfter {
			continue
		}
		lock, err := filelock.Try(filepath.Join(dir, "lock"))
		if err != nil { // in use, or owned by another user
			continue
		}
		_ = os.RemoveAll(dir)
		lock.Close()
	}
}
