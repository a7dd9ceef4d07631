package deploy

import (
	"fmt"
	"os"
	"os/user"
)

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
