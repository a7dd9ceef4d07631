package web

import (
	"fmt"
	"strconv"
	"time"
)

// ago says how long ago a time was, in the largest unit.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < 0:
		return "in " + lengthOf(-d)
	case d < time.Minute:
		return "just now"
	}
	return lengthOf(d) + " ago"
}

// lengthOf is a length of time in its largest unit.
func lengthOf(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// took says how long something took. Times of Kubernetes have whole seconds.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return lengthOf(d)
}

// exact is the time for those who want to know it, in UTC.
func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// count is a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
