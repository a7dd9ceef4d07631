// Package binaries builds the programs that development and tests run, and shows how far it is: the control plane, which it
// keeps in a cache, and the programs of this repository. It imports the standard library alone, so that it is itself compiled
// within seconds on a machine whose caches are empty.
package binaries
