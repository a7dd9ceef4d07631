package deploy

import (
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Status is what runs on a target.
type Status struct {
	Target string `json:"target"`
	// Runtime is the platform and its version.
	Runtime string `json:"runtime"`
	// Location is the cluster and namespace, host, or app.
	Location string `json:"location"`
	// Release, Revision and State are those of the newest revision. State is "not installed" where there is none.
	Release  string `json:"release"`
	Revision int    `json:"revision,omitempty"`
	State    string `json:"state"`
	Version  string `json:"version,omitempty"`
	Image    string `json:"image,omitempty"`
	// Digests are those of the images that run, as the container runtimes report them.
	Digests     []string   `json:"digests,omitempty"`
	Replicas    Replicas   `json:"replicas"`
	Autoscaler  string     `json:"autoscaler,omitempty"`
	LastRollOut *time.Time `json:"lastRollOut,omitempty"`
	Description string     `json:"description,omitempty"`
	// LockedBy says who deploys at the moment.
	LockedBy string `json:"lockedBy,omitempty"`
	// Certificates are those of the platform that must be renewed.
	Certificates []Certificate `json:"certificates,omitempty"`
	Instances    []Instance    `json:"pods"`
}

// Certificate is one of the platform's own.
type Certificate struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
}

// Replicas counts replicas.
type Replicas struct {
	Desired int `json:"desired"`
	Updated int `json:"updated"`
	Ready   int `json:"ready"`
}

// Instance is one replica.
type Instance struct {
	Name string `json:"name"`
	// State is what kubectl shows, such as Running, Pending, CrashLoopBackOff.
	State    string     `json:"state"`
	Ready    string     `json:"ready"`
	Restarts string     `json:"restarts"`
	Started  *time.Time `json:"started,omitempty"`
	Node     string     `json:"node,omitempty"`
	Address  string     `json:"address,omitempty"`
	Image    string     `json:"image,omitempty"`
}

// Revision is one deployment in the history.
type Revision struct {
	Number  int       `json:"revision"`
	Updated time.Time `json:"updated"`
	// State is Helm's, such as deployed, superseded, failed.
	State string `json:"state"`
	// Worked says whether all replicas were ready; it is "unknown" for what was installed without waiting or by another program.
	Worked  string `json:"worked"`
	Version string `json:"version"`
	Image   string `json:"image,omitempty"`
	// Description says who deployed it, and why.
	Description string `json:"description,omitempty"`
}

// Usage is what one replica uses.
type Usage struct {
	Name   string `json:"name"`
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

// ExecOptions say what runs in which replica.
type ExecOptions struct {
	Streams  genericiooptions.IOStreams
	Command  []string
	Instance string
	// Stdin passes standard input on, and TTY makes it a terminal.
	Stdin, TTY bool
}
