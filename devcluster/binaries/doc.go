// Package binaries builds the programs that development and tests run, and shows its progress: the control plane, which it caches, and
// the programs of this repository. It imports only the standard library, so that it compiles within seconds when all caches are empty.
package binaries
