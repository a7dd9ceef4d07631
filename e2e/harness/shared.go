package harness

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

// Shared is the environment that the tests of one package share.
type Shared struct {
	Options

	// Check is called when all tests have ended, and returns what is wrong. It may be nil.
	Check func(context.Context, *Env) ([]string, error)

	env *Env
}

// Env is the environment.
func (s *Shared) Env() *Env { return s.env }

// Main starts the environment, runs the tests and ends the process, as a TestMain has to. With -count each run has an environment of its
// own. It fails if the API server refused the service anything that the chart grants it.
func (s *Shared) Main(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(clustertest.Runs(func() int { //nolint:revive // the end of TestMain
		code, err := s.run(m)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return code
	}))
}

func (s *Shared) run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	s.env, err = start(ctx, s.Options)
	defer s.env.stop()
	if err != nil {
		return 0, err
	}
	code = m.Run()
	s.env.Service.Stop()
	problems, err := s.env.refusals()
	if err == nil && s.Check != nil {
		var more []string
		more, err = s.Check(ctx, s.env)
		problems = append(problems, more...)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	return max(code, min(len(problems), 1)), err
}
