package deploy

import (
	"bufio"
	"io"
	"strings"
)

// maxLine bounds a line of a log, in bytes.
const maxLine = 1 << 20

// CopyLog passes on the lines of a log that begin with their time, without it. last is the time of the newest one: lines up to what it is
// at first are left out, since an earlier connection has copied them.
func CopyLog(log io.Reader, last *string, write func(line string) error) error {
	copied := *last
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		at, text, _ := strings.Cut(lines.Text(), " ")
		if at <= copied {
			continue
		}
		*last = max(*last, at)
		if err := write(text); err != nil {
			return err
		}
	}
	return lines.Err()
}
