package deploy

import (
	"context"
	"io"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Target is a platform that runs the service. What only some platforms can do is in interfaces of its own, such as [Scaler]; a command
// that a target does not implement is refused as unsupported.
type Target interface {
	// Setup prepares the platform once, and can be repeated.
	Setup(ctx context.Context, steps *progress.Steps) error
	// Up installs the service or updates it.
	Up(ctx context.Context, steps *progress.Steps) error
	// Status says what runs.
	Status(ctx context.Context) (*Status, error)
	// Down removes the service.
	Down(ctx context.Context, steps *progress.Steps, what Removal) error
}

// Removal is what [Target].Down removes.
type Removal int

const (
	// RemoveService keeps what holds or guards data.
	RemoveService Removal = iota
	// RemoveEverything also removes what RemoveService keeps.
	RemoveEverything
)

// Planner shows what a command would do, without doing it.
type Planner interface {
	// Plan writes the manifests or command lines of an action, without secrets. argument is that of the command, such as a revision.
	Plan(ctx context.Context, out io.Writer, action Action, argument string) error
}

// Action is a command that changes something.
type Action string

// The actions that a [Planner] knows.
const (
	ActionSetup    Action = "setup"
	ActionUpgrade  Action = "upgrade"
	ActionUp       Action = "up"
	ActionRestart  Action = "restart"
	ActionStop     Action = "stop"
	ActionStart    Action = "start"
	ActionScale    Action = "scale"
	ActionRollback Action = "rollback"
	ActionDown     Action = "down"
	// ActionPurge is Down with RemoveEverything.
	ActionPurge Action = "down --purge"
)

// Renderer writes what Up installs, without secrets.
type Renderer interface {
	Render(ctx context.Context, out io.Writer) error
}

// Differ writes what Up would change, without secrets, and says whether that is anything.
type Differ interface {
	Diff(ctx context.Context, out io.Writer) (differs bool, err error)
}

// Logger writes the logs of the service.
type Logger interface {
	Logs(ctx context.Context, out io.Writer, o LogOptions) error
}

// LogOptions select lines of logs.
type LogOptions struct {
	Follow, Previous bool
	// Tail is the number of the newest lines of each replica; negative means all.
	Tail int64
	// Since is the age of the oldest line; 0 means any.
	Since time.Duration
	// Instance is one replica; empty means all.
	Instance string
}

// Executor runs a command in a replica. An error with ExitStatus() int is the command's own exit code.
type Executor interface {
	Exec(ctx context.Context, o ExecOptions) error
}

// Meter measures what replicas use.
type Meter interface {
	Stats(ctx context.Context) ([]Usage, error)
}

// Restarter replaces all replicas, one after the other.
type Restarter interface {
	Restart(ctx context.Context, steps *progress.Steps) error
}

// Stopper stops all replicas, and starts as many as ran before.
type Stopper interface {
	Stop(ctx context.Context, steps *progress.Steps) error
	Start(ctx context.Context, steps *progress.Steps) error
}

// Scaler changes the number of replicas, until the next Scale or an Up that says a number itself.
type Scaler interface {
	Scale(ctx context.Context, steps *progress.Steps, replicas int) error
}

// Historian knows earlier revisions. Rollback to revision 0 takes the newest one that worked.
type Historian interface {
	History(ctx context.Context) ([]Revision, error)
	Rollback(ctx context.Context, steps *progress.Steps, revision int) error
}
