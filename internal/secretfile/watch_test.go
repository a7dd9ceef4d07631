package secretfile_test

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

	"platform.company.com/workspace-flyte-integration/internal/secretfile"
)

const (
	secretA = "secret-a"
	secretB = "another-secret"
	// similar has the length of secretA.
	similar = "secret-c"
)

var errEmpty, errBad = errors.New("there is no secret"), errors.New("it is bad")

// parseText accepts what is neither empty nor begins with "bad".
func parseText(text string) (string, error) {
	switch text = strings.TrimSpace(text); {
	case text == "":
		return "", errEmpty
	case strings.HasPrefix(text, "bad"):
		return "", errBad
	}
	return text, nil
}

// watched is a watched file, which contains secretA at first, with what was reported and how often it was parsed.
type watched struct {
	*secretfile.File[string]
	path    string
	reports []string
	parsed  int
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "secret")}
	w.write(t, secretA)
	parse := func(text string) (string, error) {
		w.parsed++
		return parseText(text)
	}
	onReload := func(err error) {
		if err == nil {
			err = errors.New("good again")
		}
		w.reports = append(w.reports, strings.ReplaceAll(err.Error(), w.path, "FILE"))
	}
	var err error
	if w.File, err = secretfile.Watch(w.path, parse, onReload); err != nil {
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

// expect checks the current value, after one second of the test's clock.
func (w *watched) expect(t *testing.T, secret string) {
	t.Helper()
	<-time.After(time.Second)
	if got := w.Current(); got != secret {
		t.Errorf("the current value is %q, want %q", got, secret)
	}
}

func (w *watched) reported(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.reports); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestFile_ReloadsAChangedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.expect(t, secretA)
		w.write(t, secretB)
		w.expect(t, secretB)
		w.reported(t)
	})
}

func TestFile_ChecksAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		<-time.After(time.Second)
		w.Current()
		w.write(t, secretB)
		<-time.After(time.Second - time.Nanosecond)
		if w.Current() == secretB {
			t.Error("the file was read within the second")
		}
		<-time.After(time.Nanosecond)
		if w.Current() != secretB {
			t.Error("the file was not read after a second")
		}
	})
}

func TestFile_KeepsTheLastGoodValue(t *testing.T) {
	const parsing = "parsing FILE: "
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.write(t, "")
		w.expect(t, secretA)
		w.expect(t, secretA)
		w.reported(t, parsing+"there is no secret")
		w.write(t, "bad")
		w.expect(t, secretA)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.expect(t, secretA)
		w.expect(t, secretA)
		w.write(t, secretA)
		w.expect(t, secretA)
		w.expect(t, secretA)
		w.write(t, strings.Repeat(" ", 1<<20)+secretB)
		w.expect(t, secretA)
		w.write(t, secretB)
		w.expect(t, secretB)
		w.reported(t, parsing+"there is no secret",
			parsing+"it is bad",
			"stat FILE: no such file or directory", "good again",
			"FILE is larger than 1 MiB", "good again")
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
		file, err := secretfile.Watch(path, parseText, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		if file.Current() != secretA {
			t.Error("the first secret is not there")
		}
		if err := errors.Join(os.Symlink("..2", filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if file.Current() != similar {
			t.Error("the second secret, of the same size and age, is not there")
		}
	})
}

func TestFile_ParsesOnlyChangedContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		for range 3 {
			w.write(t, secretA)
			w.expect(t, secretA)
		}
		w.write(t, "bad")
		for range 3 {
			w.expect(t, secretA)
		}
		if w.parsed != 2 {
			t.Errorf("parsed %d times, want 2: once for each content", w.parsed)
		}
	})
}

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
		// This does not happen by accident. It shows that a file that has not changed for long is not read again.
		"none of them": {age: settled, text: similar, seen: false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				modified := time.Now().Add(-test.age)
				w.writeAs(t, secretA, modified)
				w.expect(t, secretA)
				if test.newTime {
					modified = modified.Add(time.Nanosecond)
				}
				if test.newFile {
					w.moveAway(t)
				}
				w.writeAs(t, test.text, modified)
				if test.seen {
					w.expect(t, test.text)
				} else {
					w.expect(t, secretA)
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

func TestWatch_RejectsUnusableFile(t *testing.T) {
	dir := t.TempDir()
	pipe, empty := filepath.Join(dir, "pipe"), filepath.Join(dir, "empty")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "stat PATH: no such file or directory",
		dir:                        "PATH is not a regular file",
		pipe:                       "PATH is not a regular file",
		empty:                      "parsing PATH: there is no secret",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := secretfile.Watch(path, parseText, func(error) { t.Error("reported") })
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
func TestFile_CallersDoNotWaitForOneAnother(t *testing.T) {
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
		file, err := secretfile.Watch(path, parse, func(err error) { t.Error(err) })
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

func BenchmarkFile_Current(b *testing.B) {
	path := filepath.Join(b.TempDir(), "secret")
	writeFile(b, path, secretA)
	file, err := secretfile.Watch(path, parseText, func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		file.Current()
	}
}
