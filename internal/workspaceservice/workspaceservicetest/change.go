package workspaceservicetest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var errUnknown = errors.New("there is no such workspace")

// put creates or updates a workspace under the next version, with an event.
func (j *journal) put(data workspace.Data) (workspace.Listed, event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	have, known := j.workspaces[data.WorkspaceID]
	data.Version = next(have)
	listed := workspace.Listed{Data: data, State: have.State, StateVersion: have.StateVersion}
	kind := workspace.EventUpdated
	if !known || have.State == v1alpha1.StateDeleted {
		kind, listed.State, listed.StateVersion = workspace.EventCreated, v1alpha1.StateActive, data.Version
	}
	return j.change(kind, listed, data)
}

// stateEvents are the events that bring a state.
var stateEvents = map[v1alpha1.State]workspace.EventType{
	v1alpha1.StateActive: workspace.EventResumed, v1alpha1.StateSuspended: workspace.EventSuspended,
	v1alpha1.StateDeleted: workspace.EventDeleted,
}

// setState changes the state of a workspace, with an event.
func (j *journal) setState(id string, state v1alpha1.State) (workspace.Listed, event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	listed, known := j.workspaces[id]
	if !known {
		return listed, event{}, errUnknown
	}
	listed.State, listed.StateVersion = state, next(listed)
	return j.change(stateEvents[state], listed, workspace.Data{WorkspaceID: id, Version: listed.StateVersion})
}

// record applies an event that another sender has sent: content and state each count if their version is higher than what
// is recorded.
func (j *journal) record(e workspace.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	listed, known := j.workspaces[e.Data.WorkspaceID]
	if !known {
		listed.WorkspaceID, listed.State = e.Data.WorkspaceID, v1alpha1.StateActive
	}
	if e.Type.HasContent() && e.Data.Version > listed.Version {
		listed.StateVersion = cmp.Or(listed.StateVersion, listed.Version) // from now on it differs from the version of the content
		listed.Data = e.Data
	}
	if state, sets := stateOf(e.Type); sets && e.Data.Version > listed.StateVersion {
		listed.State, listed.StateVersion = state, e.Data.Version
	}
	return j.add(record{Workspace: &listed})
}

func stateOf(t workspace.EventType) (v1alpha1.State, bool) {
	if t == workspace.EventCreated {
		return v1alpha1.StateActive, true
	}
	for state, event := range stateEvents {
		if event == t {
			return state, true
		}
	}
	return "", false
}

// next is the version after both of a workspace's registers.
func next(l workspace.Listed) int64 { return max(l.Version, l.StateVersion) + 1 }

// change records a workspace and its event together.
func (j *journal) change(kind workspace.EventType, listed workspace.Listed, data workspace.Data) (workspace.Listed, event, error) {
	body, err := json.Marshal(workspace.Event{Type: kind, Timestamp: time.Now().UTC().Truncate(time.Second), Data: data})
	if err != nil {
		return listed, event{}, fmt.Errorf("writing the event: %w", err)
	}
	e := event{ID: "msg_" + rand.Text(), WorkspaceID: data.WorkspaceID, Body: body}
	err = j.add(record{Workspace: &listed}, record{Event: &e})
	return listed, e, err
}
