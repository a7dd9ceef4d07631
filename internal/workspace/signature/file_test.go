package signature_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// watched is a file under watch, which holds secretA at first, with what was reported and how often it was parsed.
type watched struct {
	*signature.File[*signature.Keys]
	path    string
	reports []string
	parsed  int
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "secret")}
	w.write(t, secretA)
	parse := func(text string) (*signature.Keys, error) {
		w.parsed++
		return signature.ParseKeys(text)
	}
	report := func(err error) {
		if err == nil {
			err = errors.New("good again")
		}
		w.reports = append(w.reports, strings.ReplaceAll(err.Error(), w.path, "FILE"))
	}
	var err error
	if w.File, err = signature.WatchFile(w.path, parse, report); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) write(t *testing.T, text string) {
	t.Helper()
	writeFile(t, w.path, text)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds checks which secret is there, after one second of the test's clock.
func (w *watched) holds(t *testing.T, secret string) {
	t.Helper()
	<-time.After(time.Second)
	if !w.Current().Overlaps(mustKeys(t, secret)) {
		t.Errorf("the current keys are not %s", secret)
	}
}

func (w *watched) reported(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.reports); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestFile_TakesOverChangedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.holds(t, secretA)
		w.write(t, secretB)
		w.holds(t, secretB)
		w.reported(t)
	})
}

func TestFile_LooksAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		<-time.After(time.Second)
		w.Current()
		w.write(t, secretB)
		<-time.After(time.Second - time.Nanosecond)
		if w.Current().Overlaps(mustKeys(t, secretB)) {
			t.Error("the file was read within the second")
		}
		<-time.After(time.Nanosecond)
		if !w.Current().Overlaps(mustKeys(t, secretB)) {
			t.Error("the file was not read after a second")
		}
	})
}

func TestFile_KeepsLastGoodKeys(t *testing.T) {
	const parsing = "parsing the secret file FILE: "
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.write(t, "")
		w.holds(t, secretA)
		w.holds(t, secretA)
		w.reported(t, parsing+"there is no secret")
		w.write(t, secretB+" "+privateKey)
		w.holds(t, secretA)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.holds(t, secretA)
		w.holds(t, secretA)
		w.write(t, secretA)
		w.holds(t, secretA)
		w.holds(t, secretA)
		w.write(t, strings.Repeat(" ", 64<<10)+secretB)
		w.holds(t, secretA)
		w.write(t, secretB)
		w.holds(t, secretB)
		w.reported(t, parsing+"there is no secret",
			parsing+"secret 2: a whsk_ private key can only sign: give its public key (whpk_)",
			"looking at the secret file: stat FILE: no such file or directory", "good again",
			"reading the secret file: FILE is larger than 64 KiB", "good again")
	})
}

// Kubernetes mounts a Secret as links through a directory that is swapped as one.
func TestFile_FollowsSwappedLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for name, secret := range map[string]string{"..1": secretA, "..2": similar} {
			if err := errors.Join(os.Mkdir(filepath.Join(dir, name), 0o700),
				os.WriteFile(filepath.Join(dir, name, "secret"), []byte(secret+"\n"), 0o600),
				os.Chtimes(filepath.Join(dir, name, "secret"), time.Time{}, time.Now().Add(-time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "secret")
		if err := errors.Join(os.Symlink("..1", filepath.Join(dir, "..data")), os.Symlink("..data/secret", path)); err != nil {
			t.Fatal(err)
		}
		file, err := signature.WatchFile(path, signature.NewSigner, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		if !file.Current().Keys().Overlaps(mustKeys(t, secretA)) {
			t.Error("the first secret is not there")
		}
		if err := errors.Join(os.Symlink("..2", filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if !file.Current().Keys().Overlaps(mustKeys(t, similar)) {
			t.Error("the second secret, of the same size and age, is not there")
		}
	})
}

func TestFile_ParsesOnlyChangedContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		for range 3 {
			w.write(t, secretA)
			w.holds(t, secretA)
		}
		w.write(t, "bad")
		for range 3 {
			w.holds(t, secretA)
		}
		if w.parsed != 2 {
			t.Errorf("parsed %d times, want 2: once for each content", w.parsed)
		}
	})
}

// similar is a secret of the same length as secretA.
var similar = strings.Replace(secretA, "M", "N", 1)

func TestFile_SeesChanges(t *testing.T) {
	const settled = time.Hour
	for name, test := range map[string]struct {
		age     time.Duration // of the file before it changes
		newTime bool
		newFile bool
		text    string
		seen    bool
	}{
		"time":  {age: settled, newTime: true, text: similar, seen: true},
		"size":  {age: settled, text: secretB, seen: true},
		"inode": {age: settled, newFile: true, text: similar, seen: true},
		// The time of change is so recent that a second change can have left it as it is.
		"none of them, but recent": {age: time.Second, text: similar, seen: true},
		// Nobody does that by accident; it shows that a settled file is not read again.
		"none of them": {age: settled, text: similar, seen: false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				modified := time.Now().Add(-test.age)
				w.writeAs(t, secretA, modified)
				w.holds(t, secretA)
				if test.newTime {
					modified = modified.Add(time.Nanosecond)
				}
				if test.newFile {
					w.moveAway(t)
				}
				w.writeAs(t, test.text, modified)
				if test.seen {
					w.holds(t, test.text)
				} else {
					w.holds(t, secretA)
				}
			})
		})
	}
}

// writeAs writes the file so that it looks as if it had last been changed at that time.
func (w *watched) writeAs(t *testing.T, text string, modified time.Time) {
	t.Helper()
	w.write(t, text)
	if err := os.Chtimes(w.path, time.Time{}, modified); err != nil {
		t.Fatal(err)
	}
}

// moveAway makes room for another file. The old one stays, so that its inode is not used again.
func (w *watched) moveAway(t *testing.T) {
	t.Helper()
	if err := os.Rename(w.path, w.path+".old"); err != nil {
		t.Fatal(err)
	}
}

func TestWatchFile_RejectsUnusableFile(t *testing.T) {
	dir := t.TempDir()
	pipe, empty := filepath.Join(dir, "pipe"), filepath.Join(dir, "empty")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "looking at the secret file: stat PATH: no such file or directory",
		dir:                        "reading the secret file: PATH is not a regular file",
		pipe:                       "reading the secret file: PATH is not a regular file",
		empty:                      "parsing the secret file PATH: there is no secret",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := signature.WatchFile(path, signature.ParseKeys, func(error) { t.Error("reported") })
			if err == nil || file != nil {
				t.Fatalf("got %v and %v, want an error", file, err)
			}
			if diff := cmp.Diff(want, strings.ReplaceAll(err.Error(), path, "PATH")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// While one caller parses, the others get the value that there is.
func TestFile_CallersDontWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "secret")
		writeFile(t, path, "1")
		var parsing atomic.Int32
		hold := make(chan struct{})
		parse := func(text string) (string, error) {
			if parsing.Add(1) > 1 {
				<-hold
			}
			return text, nil
		}
		file, err := signature.WatchFile(path, parse, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, "2")
		<-time.After(time.Second)
		var all sync.WaitGroup
		all.Go(func() {
			if got := file.Current(); got != "2" {
				t.Errorf("the one that parses got %q", got)
			}
		})
		synctest.Wait()
		<-time.After(2 * time.Second)
		if got := file.Current(); got != "1" {
			t.Errorf("the one that does not wait got %q", got)
		}
		close(hold)
		all.Wait()
	})
}
