package lifecycle

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

const (
	// flytePatience is how long a Reconcile waits for Flyte. A healthy one answers in milliseconds.
	flytePatience = time.Second
	// maxWaiting is how many Reconciles wait for a Flyte that is slow. It never holds the other workers.
	maxWaiting = workers / 2
)

// errNoAnswer: Flyte has not answered yet; the call goes on.
var errNoAnswer = errors.New("no answer yet")

// call is one EnsureProject under way. It outlives the Reconcile that began it: a Flyte that hangs must hold neither
// the workers nor a workspace, whose access may have to be taken away meanwhile.
type call struct {
	want   flyte.Project
	cancel context.CancelFunc
	// ended is closed when err is there.
	ended chan struct{}
	err   error
	// left is whether nobody waits for it any more.
	left bool
}

// calls are the calls under way, at most one for each project.
type calls struct {
	mu   sync.Mutex
	byID map[string]*call
	// waiting is how many Reconciles wait, and left how many calls are under way that nobody waits for any more.
	waiting, left int
}

// ensure makes Flyte's project as wanted. A call that wants something else of the project is given up. After
// errNoAnswer the workspace is looked at again as soon as its call has ended, or, where none was begun, in time.
func (c *Controller) ensure(ctx context.Context, want flyte.Project) error {
	if !c.calls.enter() {
		return errNoAnswer
	}
	defer c.calls.leave()
	// The call ends with the leadership, not with this Reconcile.
	bound, release, leads := c.Leadership.Hold(context.WithoutCancel(ctx))
	if !leads {
		release()
		return context.Canceled
	}
	mine, former, begun := c.calls.begin(want, release)
	if !begun {
		release()
		return errNoAnswer
	}
	go func() {
		defer release()
		if former != nil {
			former.cancel()
			<-former.ended
		}
		_, err := c.Projects.EnsureProject(bound, want)
		if c.calls.end(mine, err) {
			c.queue.add(request(want.ID)[0])
		}
	}()
	return c.calls.await(ctx, mine)
}

// begin notes a call, unless one that wants the same is under way. former is the one that it replaces.
func (cs *calls) begin(want flyte.Project, cancel context.CancelFunc) (mine, former *call, begun bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	former = cs.byID[want.ID]
	if former != nil && reflect.DeepEqual(former.want, want) {
		return nil, nil, false
	}
	if cs.byID == nil {
		cs.byID = map[string]*call{}
	}
	mine = &call{want: want, cancel: cancel, ended: make(chan struct{})}
	cs.byID[want.ID] = mine
	return mine, former, true
}

// end notes how a call ended, and tells whether nobody has waited for that.
func (cs *calls) end(mine *call, err error) (left bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.byID[mine.want.ID] == mine {
		delete(cs.byID, mine.want.ID)
	}
	if mine.left {
		cs.left--
	}
	mine.err = err
	close(mine.ended)
	return mine.left
}

// await waits for the end of a call, but not for long.
func (cs *calls) await(ctx context.Context, mine *call) error {
	ctx, cancel := context.WithTimeout(ctx, flytePatience)
	defer cancel()
	select {
	case <-mine.ended:
	case <-ctx.Done():
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	select {
	case <-mine.ended:
		return mine.err
	default:
		mine.left = true
		cs.left++
		return errNoAnswer
	}
}

// enter tells whether one more may wait. While Flyte is quick, everyone may.
func (cs *calls) enter() bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.left > 0 && cs.waiting >= maxWaiting {
		return false
	}
	cs.waiting++
	return true
}

func (cs *calls) leave() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.waiting--
}
