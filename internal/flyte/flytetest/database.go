package flytetest

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// DatabaseFault is a fault of Flyte's database. The errors are those of FlyteAdmin 1.16.8 when its PostgreSQL is down, or its table is
// missing (flyteadmin/pkg/repositories/errors/postgres.go). Calls that need no database succeed.
type DatabaseFault string

// The faults of a database.
const (
	DatabaseWorks        DatabaseFault = ""
	DatabaseUnreachable  DatabaseFault = "unreachable"
	ProjectsTableMissing DatabaseFault = "table missing"
)

// SetDatabaseFault fails every call that needs the database in this way, until DatabaseWorks is set.
func (s *Server) SetDatabaseFault(fault DatabaseFault) {
	var projects, attributes error
	switch {
	case fault == DatabaseWorks:
	case s.v2: // runs/service/project_service.go
		projects = status.Error(codes.Internal, "failed to get project: the database is "+string(fault))
	case fault == ProjectsTableMissing:
		projects = invalid(`cannot query with specified table attributes: relation "projects" does not exist`)
	default:
		projects = status.Error(codes.Internal, "unexpected error type for: 127.0.0.1:5432 (127.0.0.1): dial error: "+
			"dial tcp 127.0.0.1:5432: connect: connection refused")
		attributes = projects
	}
	s.projects.setFault(projects)
	s.attributes.setFault(attributes)
}
