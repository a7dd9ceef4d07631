package flyte_test

import (
	"errors"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// clientContract is the effect of EnsureProject on any Flyte.
func clientContract(t *testing.T, f flyteServer) { //nolint:gocognit,revive // a list of subtests
	t.Helper()
	t.Run("RegistersOnce", func(t *testing.T) {
		want := f.newProject(t)
		f.ensure(t, want, true)
		f.wantProject(t, message(want))
		f.ensure(t, want, false)
	})
	t.Run("RepairsDrift", func(t *testing.T) {
		own := labels(ownerLabel, "ws-1")
		drifts := map[string]*admin.Project{
			"name":        {Name: "other", Labels: own},
			"description": {Description: "other", Labels: own},
			"label added": {Labels: labels(ownerLabel, "ws-1", "team", "ml", "foreign", "x")},
			"label gone":  {Labels: own},
			"archived":    {Labels: own, State: admin.Project_ARCHIVED},
		}
		for name, drift := range drifts {
			t.Run(name, func(t *testing.T) {
				want := f.newProject(t)
				want.Labels["team"] = "ml"
				f.ensure(t, want, true)
				drift.Id = want.ID
				f.update(t, drift)
				f.ensure(t, want, true)
				f.wantProject(t, message(want))
				f.ensure(t, want, false)
			})
		}
	})
	t.Run("ArchivesAndUnarchives", func(t *testing.T) {
		want := f.newProject(t)
		for _, archived := range []bool{false, true, false} {
			want.Archived = archived
			f.ensure(t, want, true)
			f.wantProject(t, message(want))
			f.ensure(t, want, false)
		}
	})
	t.Run("RegistersArchived", func(t *testing.T) {
		want := f.newProject(t)
		want.Archived = true
		f.ensure(t, want, true)
		f.wantProject(t, message(want))
		f.ensure(t, want, false)
	})
	t.Run("UpdateKeepsArchived", func(t *testing.T) {
		want := f.newProject(t)
		want.Archived = true
		f.ensure(t, want, true)
		want.Name = "Renamed"
		f.ensure(t, want, true)
		f.wantProject(t, message(want))
	})
	t.Run("RegistersWithoutName", func(t *testing.T) {
		want := f.newProject(t)
		want.Name = ""
		f.ensure(t, want, true)
		f.ensure(t, want, false)
		want.Name = want.ID
		f.wantProject(t, message(want))
	})
	t.Run("LeavesForeignProjectAlone", func(t *testing.T) {
		for _, foreign := range []*admin.Labels{nil, labels(), labels(ownerLabel, "ws-2"), labels("team", "ws-1")} {
			want := f.newProject(t)
			theirs := &admin.Project{Id: want.ID, Name: "Theirs", Labels: foreign}
			f.register(t, theirs)
			if changed, err := f.client.EnsureProject(t.Context(), want); changed || !errors.Is(err, flyte.ErrConflict) {
				t.Errorf("foreign labels %v: changed is %v, error %v, want a conflict", foreign.GetValues(), changed, err)
			}
			f.wantProject(t, theirs)
		}
	})
	t.Run("AdoptsUnlabelledProject", func(t *testing.T) {
		want := f.newProject(t)
		f.register(t, &admin.Project{Id: want.ID, Name: "Theirs"})
		want.Ours = true // registered before, or to be adopted
		f.ensure(t, want, true)
		f.wantProject(t, message(want))
		f.ensure(t, want, false)
	})
	t.Run("NeverOverridesAnotherOwner", func(t *testing.T) {
		want := f.newProject(t)
		theirs := &admin.Project{Id: want.ID, Name: "Theirs", Labels: labels(ownerLabel, "ws-2")}
		f.register(t, theirs)
		want.Ours = true
		if changed, err := f.client.EnsureProject(t.Context(), want); changed || !errors.Is(err, flyte.ErrConflict) {
			t.Errorf("changed is %v, error %v, want a conflict", changed, err)
		}
		f.wantProject(t, theirs)
	})
	t.Run("ListsDifferingProjects", func(t *testing.T) {
		same, renamed, missing := f.newProject(t), f.newProject(t), f.newProject(t)
		archived, unwanted := f.newProject(t), f.newProject(t)
		archived.Archived, unwanted.OnlyExisting = true, true
		f.ensure(t, same, true)
		f.ensure(t, archived, true)
		f.ensure(t, renamed, true)
		f.update(t, &admin.Project{Id: renamed.ID, Name: "Other", Labels: labels(ownerLabel, "ws-1")})
		got, err := f.client.Differing(t.Context(), []flyte.Project{same, renamed, missing, archived, unwanted})
		if diff := cmp.Diff([]string{renamed.ID, missing.ID}, got); diff != "" || err != nil {
			t.Errorf("error %v, ids (-want +got):\n%s", err, diff)
		}
	})
	t.Run("ReturnsVersion", func(t *testing.T) {
		if _, err := f.client.Version(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("RecognizesTheOtherAPI", func(t *testing.T) {
		if _, err := f.wrongAPI.EnsureProject(t.Context(), f.newProject(t)); !errors.Is(err, flyte.ErrWrongVersion) {
			t.Errorf("error is %v, want ErrWrongVersion", err)
		}
		if _, err := f.wrongAPI.Version(t.Context()); !errors.Is(err, flyte.ErrWrongVersion) {
			t.Errorf("error is %v, want ErrWrongVersion", err)
		}
	})
}

// clientContractV1 holds for Flyte 1 only.
func clientContractV1(t *testing.T, f flyteServer) {
	t.Helper()
	t.Run("KeepsTextThatFlyteCannotClear", func(t *testing.T) {
		full := f.newProject(t)
		f.ensure(t, full, true)
		bare := full
		bare.Name, bare.Description = "", ""
		f.ensure(t, bare, false)
		bare.Archived, full.Archived = true, true
		f.ensure(t, bare, true)
		f.wantProject(t, message(full))
	})
	t.Run("ReportsRefusal", func(t *testing.T) {
		want := f.newProject(t)
		want.Labels["owner"] = "ana@company.com"
		if _, err := f.client.EnsureProject(t.Context(), want); !errors.Is(err, flyte.ErrInvalid) {
			t.Errorf("error is %v, want ErrInvalid", err)
		}
	})
}

// clientContractV2 holds for Flyte 2 only.
func clientContractV2(t *testing.T, f flyteServer) {
	t.Helper()
	t.Run("ClearsDescription", func(t *testing.T) {
		want := f.newProject(t)
		f.ensure(t, want, true)
		want.Description = ""
		f.ensure(t, want, true)
		f.wantProject(t, message(want))
		f.ensure(t, want, false)
	})
	t.Run("KeepsNameIfNoneIsDesired", func(t *testing.T) {
		full := f.newProject(t)
		f.ensure(t, full, true)
		bare := full
		bare.Name, bare.Archived = "", true
		f.ensure(t, bare, true)
		full.Archived = true
		f.wantProject(t, message(full))
	})
}

func (f flyteServer) newProject(t *testing.T) flyte.Project {
	t.Helper()
	return newProject(f.newID(t))
}

func newProject(id string) flyte.Project {
	return flyte.Project{ID: id, Name: "Fraud", Description: "Cards", Labels: map[string]string{ownerLabel: "ws-1"}}
}

func (f flyteServer) ensure(t *testing.T, want flyte.Project, wantChanged bool) {
	t.Helper()
	changed, err := f.client.EnsureProject(t.Context(), want)
	if err != nil || changed != wantChanged {
		t.Fatalf("EnsureProject(%+v) = %v, %v, want %v", want, changed, err, wantChanged)
	}
}

func message(p flyte.Project) *admin.Project {
	state := admin.Project_ACTIVE
	if p.Archived {
		state = admin.Project_ARCHIVED
	}
	return &admin.Project{Id: p.ID, Name: p.Name, Description: p.Description, Labels: &admin.Labels{Values: p.Labels}, State: state}
}
