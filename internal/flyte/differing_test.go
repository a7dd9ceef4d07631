package flyte_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// hostileFlyte answers ListProjects as a test wants.
type hostileFlyte struct {
	service.UnimplementedAdminServiceServer

	page func(number int, request *admin.ProjectListRequest) *admin.Projects
	// pages counts the pages that were requested.
	pages int
}

func (h *hostileFlyte) ListProjects(_ context.Context, request *admin.ProjectListRequest) (*admin.Projects, error) {
	h.pages++
	return h.page(h.pages, request), nil
}

func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// differing serves the hostile Flyte and calls Differing.
func (h *hostileFlyte) differing(t *testing.T, wanted ...flyte.Project) ([]string, error) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	service.RegisterAdminServiceServer(server, h)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return newClient(t, flyte.Options{Endpoint: listener.Addr().String()}).Differing(t.Context(), wanted)
}

// largePage is a page of foreign projects of about this size on the wire.
func largePage(bytes, number int) *admin.Projects {
	page, text := &admin.Projects{Token: strconv.Itoa(number)}, strings.Repeat("x", 32_000)
	for i := range bytes / len(text) {
		page.Projects = append(page.Projects, &admin.Project{Id: fmt.Sprintf("other-%d-%d", number, i), Description: text})
	}
	return page
}

// TestDiffering_BoundsTheBytes: every page is as large as allowed, and there is always another one.
func TestDiffering_BoundsTheBytes(t *testing.T) {
	before, most := liveHeap(), uint64(0)
	hostile := &hostileFlyte{page: func(number int, _ *admin.ProjectListRequest) *admin.Projects {
		most = max(most, liveHeap())
		return largePage(4_000_000, number)
	}}
	_, err := hostile.differing(t, newProject("ws-1"))
	if !errors.Is(err, flyte.ErrUnavailable) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("error is %v, want ErrUnavailable for its bytes", err)
	}
	if most > before+32<<20 {
		t.Errorf("after %d pages %d MiB are in use, want at most 32", hostile.pages, (most-before)>>20)
	}
}

// TestDiffering_BoundsThePages: the pages are empty, and there is always another one.
func TestDiffering_BoundsThePages(t *testing.T) {
	hostile := &hostileFlyte{page: func(number int, _ *admin.ProjectListRequest) *admin.Projects {
		return &admin.Projects{Token: strconv.Itoa(number)}
	}}
	if _, err := hostile.differing(t); !errors.Is(err, flyte.ErrUnavailable) || !strings.Contains(err.Error(), "pages") {
		t.Errorf("error is %v, want ErrUnavailable for its pages", err)
	}
}

func TestDiffering_StopsAtARepeatedToken(t *testing.T) {
	for name, tokens := range map[string][]string{"the same": {"1", "1"}, "one of before": {"1", "2", "1"}} {
		t.Run(name, func(t *testing.T) {
			hostile := &hostileFlyte{page: func(number int, _ *admin.ProjectListRequest) *admin.Projects {
				return &admin.Projects{Token: tokens[(number-1)%len(tokens)]}
			}}
			if _, err := hostile.differing(t); !errors.Is(err, flyte.ErrUnavailable) || hostile.pages != len(tokens) {
				t.Errorf("after %d pages the error is %v, want ErrUnavailable after %d", hostile.pages, err, len(tokens))
			}
		})
	}
}

// TestDiffering_RefusesOversizedPages: a decoded empty project takes a hundred times as much memory as on the wire.
func TestDiffering_RefusesOversizedPages(t *testing.T) {
	emptyProjects := &admin.Projects{Projects: make([]*admin.Project, 201)}
	for i := range emptyProjects.GetProjects() {
		emptyProjects.Projects[i] = &admin.Project{}
	}
	tests := map[string]*admin.Projects{
		"more projects than requested": emptyProjects,
		"a long token":                 {Token: strings.Repeat("1", 1_000_000)},
		"a page of 5 MB":               largePage(5_000_000, 1),
	}
	for name, page := range tests {
		t.Run(name, func(t *testing.T) {
			hostile := &hostileFlyte{page: func(int, *admin.ProjectListRequest) *admin.Projects { return page }}
			if _, err := hostile.differing(t); !errors.Is(err, flyte.ErrUnavailable) {
				t.Errorf("error is %v, want ErrUnavailable", err)
			}
		})
	}
}

// TestDiffering_SkipsOversizedProjects: it does not decode them; one of ours counts as different.
func TestDiffering_SkipsOversizedProjects(t *testing.T) {
	same, grown := newProject("ws-1"), newProject("ws-2")
	oversized := func(p *admin.Project) *admin.Project {
		p.Domains = make([]*admin.Domain, 40_000)
		for i := range p.GetDomains() {
			p.Domains[i] = &admin.Domain{}
		}
		return p
	}
	hostile := &hostileFlyte{page: func(int, *admin.ProjectListRequest) *admin.Projects {
		return &admin.Projects{Projects: []*admin.Project{
			oversized(&admin.Project{Id: "other"}), message(same), oversized(message(grown)),
		}}
	}}
	ids, err := hostile.differing(t, same, grown)
	if diff := cmp.Diff([]string{"ws-2"}, ids); diff != "" || err != nil {
		t.Errorf("error %v, ids (-want +got):\n%s", err, diff)
	}
}
