// Package machine says whether this machine can run a node. It imports only the standard library, so that `make` can ask before it builds
// anything.
package machine
