// Command bench compares the service with a floor: a bare client that creates the same objects on the same control plane in the same run.
// Ratios are comparable between machines; docs/benchmarks.md explains each figure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	ctrl.SetLogger(logr.Discard()) // errors are returned
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	cancel()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	parts    []string
	sizes    sizes
	profiles string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	parts := flags.String("parts", strings.Join(partNames(), ","), "parts to measure")
	quick := flags.Bool("quick", false, "use small sizes, for a run of a minute or two")
	share := flags.Int("share", 100, "percentage of the full sizes")
	flags.StringVar(&o.profiles, "profiles", "", "directory for profiles, and for the API requests by verb and kind")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("reading the arguments: unknown %q", flags.Arg(0))
	}
	o.parts, o.sizes = strings.Split(*parts, ","), fullSizes.share(*share)
	if *quick {
		o.sizes = quickSizes
	}
	for _, name := range o.parts {
		if !slices.Contains(partNames(), name) {
			return o, fmt.Errorf("reading -parts: there is no part %q, only %s", name, strings.Join(partNames(), ", "))
		}
	}
	return o, nil
}

// run measures the parts one after the other, and prints the rows of each part.
func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	binary, remove, err := buildService(ctx)
	if err != nil {
		return err
	}
	defer remove()
	printHead(os.Stdout)
	for _, part := range parts {
		if !slices.Contains(o.parts, part.name) {
			continue
		}
		rows, err := measurePart(ctx, part, binary, o)
		printRows(os.Stdout, rows)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", part.name, err)
		}
	}
	return nil
}

func measurePart(ctx context.Context, p part, binary string, o options) ([]row, error) {
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return nil, fmt.Errorf("creating the directory of the profiles: %w", err)
		}
	}
	e, err := newEnvironment(ctx, binary, p, o.profiles)
	if err != nil {
		return nil, err
	}
	defer e.stop()
	rows, err := p.measure(ctx, e, o.sizes)
	return rows, errors.Join(err, e.countRequests())
}
