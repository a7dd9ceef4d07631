package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// eventFlags describe an event on the command line.
type eventFlags struct {
	file, kind string
	provision  bool // the data object alone
	data       workspace.Data
	extra      map[string]string
	members    []string
}

func (e *eventFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&e.file, "file", "f", "", "`file` with the body to send as it is; - for standard input")
	f.BoolVar(&e.provision, "provision", false, "post to /provision, which answers when the workspace is Ready")
	f.StringVar(&e.kind, "type", string(workspace.EventCreated), "`event` type: "+strings.Join(eventTypes(), ", "))
	f.StringVar(&e.data.WorkspaceID, "id", "", "workspace id")
	f.Int64Var(&e.data.Version, "version", 0, "version of the event; it grows with every event of a workspace")
	f.StringVar(&e.data.Name, "name", "", "name that people see")
	f.StringVar(&e.data.Description, "description", "", "description")
	f.StringVar(&e.data.Owner, "owner", "", "who answers for the workspace")
	f.StringVar(&e.data.Tier, "tier", "", "WorkspaceTier (default: standard)")
	e.quotaFlags(f)
	f.StringArrayVar(&e.members, "member", nil, "member as `Kind:name:role`, such as Group:ml-team:editor (repeatable)")
	f.StringToStringVar(&e.data.Labels, "label", nil, "label as `key=value` (repeatable)")
	f.Lookup("label").DefValue = "" // pflag's would be shown as []
	completeFlag(c, "type", fixedValues(eventTypes()...))
}

func (e *eventFlags) quotaFlags(f *pflag.FlagSet) {
	quota := &e.data.Quota
	f.StringVar((*string)(&quota.CPU), "cpu", "", "quota of CPU cores")
	f.StringVar((*string)(&quota.Memory), "memory", "", "quota of memory")
	f.StringVar((*string)(&quota.GPU), "gpu", "", "quota of GPUs")
	f.StringVar((*string)(&quota.Storage), "storage", "", "quota of storage")
	f.StringVar((*string)(&quota.Pods), "pods", "", "quota of pods")
	f.StringToStringVar(&e.extra, "extra", nil, "quota of any other `key=amount`, such as requests.ephemeral-storage=1Ti (repeatable)")
	f.Lookup("extra").DefValue = "" // pflag's would be shown as []
}

func eventTypes() []string {
	return []string{
		string(workspace.EventCreated), string(workspace.EventUpdated), string(workspace.EventSuspended), string(workspace.EventResumed),
		string(workspace.EventDeleted), string(workspace.EventPing),
	}
}

// instead are the flags that a body from a file replaces.
func instead() []string {
	return []string{
		"type", "id", "version", "name", "description", "owner", "tier", "cpu", "memory", "gpu", "storage", "pods", "extra", "member", "label",
	}
}

// body is the file as it is, or the JSON of the flags; for /provision, the data object alone.
func (e *eventFlags) body(f *pflag.FlagSet, stdin io.Reader) ([]byte, error) {
	if e.file == "" {
		return e.json()
	}
	var ignored []string
	f.Visit(func(flag *pflag.Flag) {
		if slices.Contains(instead(), flag.Name) {
			ignored = append(ignored, "--"+flag.Name)
		}
	})
	if len(ignored) > 0 {
		return nil, usagef("the body is read from --file: %s can't change it", strings.Join(ignored, ", "))
	}
	return e.read(stdin)
}

func (e *eventFlags) read(stdin io.Reader) (body []byte, err error) {
	if e.file == "-" {
		body, err = io.ReadAll(stdin)
	} else {
		body, err = os.ReadFile(e.file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the event (see --file): %w", err)
	}
	return body, nil
}

func (e *eventFlags) json() ([]byte, error) {
	if !slices.Contains(eventTypes(), e.kind) {
		return nil, usagef("--type must be one of %s, not %q", strings.Join(eventTypes(), ", "), e.kind)
	}
	data, err := e.payload()
	if err != nil {
		return nil, err
	}
	if e.provision {
		return json.Marshal(data)
	}
	event := workspace.Event{Type: workspace.EventType(e.kind), Timestamp: time.Now().UTC().Truncate(time.Second), Data: data}
	return json.Marshal(event)
}

func (e *eventFlags) payload() (workspace.Data, error) {
	data := e.data
	if data.WorkspaceID == "" && e.kind != string(workspace.EventPing) {
		return data, usagef("--id is required, or -f with a whole event")
	}
	for _, text := range e.members {
		member, err := parseMember(text)
		if err != nil {
			return data, err
		}
		data.Members = append(data.Members, member)
	}
	for key, amount := range e.extra {
		if data.Quota.Extra == nil {
			data.Quota.Extra = v1alpha1.ExtraAmounts{}
		}
		data.Quota.Extra[key] = v1alpha1.Quantity(amount)
	}
	return data, nil
}

// parseMember reads Kind:name:role. The name may hold colons.
func parseMember(text string) (v1alpha1.Member, error) {
	kind, rest, _ := strings.Cut(text, ":")
	last := strings.LastIndex(rest, ":")
	if kind == "" || last < 1 || last == len(rest)-1 {
		return v1alpha1.Member{}, usagef("--member %q is not Kind:name:role, such as Group:ml-team:editor", text)
	}
	return v1alpha1.Member{
		Kind: v1alpha1.MemberKind(kind), Name: v1alpha1.Text(rest[:last]), Role: v1alpha1.Role(rest[last+1:]),
	}, nil
}

// subject is the type of the event in a body, and its workspace.
func (e *eventFlags) subject(body []byte) (kind workspace.EventType, id string) {
	var event struct {
		Type workspace.EventType
		Data struct {
			WorkspaceID string `json:"workspace_id"`
		}
		WorkspaceID string `json:"workspace_id"`
	}
	_ = json.Unmarshal(body, &event) // the service has accepted it
	if e.provision {
		return workspace.EventCreated, event.WorkspaceID
	}
	return event.Type, event.Data.WorkspaceID
}
