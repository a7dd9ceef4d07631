package workspace

import "fmt"

// Limits bound the memory that the cached Workspaces take in each replica. Their members are the only part that can be large.
type Limits struct {
	// Workspaces is MAX_WORKSPACES.
	Workspaces int
	// Members is how many members all Workspaces together may have.
	Members int
}

const (
	// OrdinaryMembers is how many members a Workspace may always have, however many all others have.
	OrdinaryMembers = 64
	// minMembers is the smallest Limits.Members: a hundred Workspaces of the largest size.
	minMembers = 100_000
)

// NewLimits returns the limits that follow from MAX_WORKSPACES.
func NewLimits(maxWorkspaces int) Limits {
	return Limits{Workspaces: maxWorkspaces, Members: max(minMembers, OrdinaryMembers*maxWorkspaces)}
}

// ExceededBy returns why a Workspace may not have this many members beside those of all others, or "" if it may.
func (l Limits) ExceededBy(members, others int) string {
	if members <= OrdinaryMembers || members+others <= l.Members {
		return ""
	}
	return fmt.Sprintf("it would have %d members and the other workspaces have %d: with MAX_WORKSPACES=%d, a workspace may have more than %d "+
		"only while all have at most %d together; replace members by groups, or raise MAX_WORKSPACES and the memory limit",
		members, others, l.Workspaces, OrdinaryMembers, l.Members)
}
