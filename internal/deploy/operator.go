package deploy

import (
	"fmt"
	"os"
	"os/user"
	"time"
)

// LockTimes are the times of a target's lock. Its holder renews it every Renewal. Another program takes it over when it has not changed
// for Duration while it was watched every Check, whatever the clocks say.
type LockTimes struct{ Duration, Renewal, Check time.Duration }

// DefaultLockTimes are those that people wait for.
var DefaultLockTimes = LockTimes{Duration: 15 * time.Second, Renewal: 3 * time.Second, Check: time.Second}

// Operator is the person, the machine and the process that holds a lock.
func Operator() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s@%s (process %d)", UserName(), host, os.Getpid())
}

// UserName is the person's name on this machine.
func UserName() string {
	if current, err := user.Current(); err == nil {
		return current.Username
	}
	return "unknown"
}
