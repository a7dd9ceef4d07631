package k8s

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/strvals"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// The Secret that Setup makes, and that Up uses unless the values name another one.
const (
	SecretName = "workspace-integration-secrets" //nolint:gosec // a name
	SecretKey  = "webhook-secret"
)

// ValueOptions make the values of the chart. Base comes first, then Files, then the other options, then Set.
type ValueOptions struct {
	Base map[string]any
	// Files are files with values, and Set are assignments such as key=value.
	Files, Set []string
	// Image is REPOSITORY[:TAG][@DIGEST].
	Image string
	// Replicas is the number of replicas, or the minimum of the autoscaler; negative keeps what the files or the last Scale say.
	Replicas int
	// Strategy is rolling or recreate.
	Strategy string
	// CPU and Memory are the limits of each replica. Requests above them are lowered to them.
	CPU, Memory string
	Exposure    Exposure
}

// values returns the values of a release, except what Scale has changed.
func (o *ValueOptions) values(c *chart.Chart) (map[string]any, error) {
	values, err := o.readFiles()
	if err != nil {
		return nil, err
	}
	for _, apply := range []func(*chart.Chart, map[string]any) error{
		o.setImage, o.setStrategy, o.setResources, o.setExposure, o.setReplicas, o.setAssigned,
	} {
		if err := apply(c, values); err != nil {
			return nil, err
		}
	}
	if webhook := table(values, "webhook"); webhook["secret"] == nil && webhook["existingSecret"] == nil {
		webhook["existingSecret"], webhook["existingSecretKey"] = SecretName, SecretKey
	}
	return values, nil
}

// readFiles merges the files into Base; a later one wins.
func (o *ValueOptions) readFiles() (map[string]any, error) {
	values := runtime.DeepCopyJSON(o.Base)
	if values == nil {
		values = map[string]any{}
	}
	for _, file := range o.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the values: %w", err)
		}
		more := map[string]any{}
		if err := yaml.Unmarshal(text, &more); err != nil {
			return nil, fmt.Errorf("reading the values in %s: %w", file, err)
		}
		values = util.MergeTables(more, values)
	}
	return values, nil
}

// setAssigned makes the assignments of Set.
func (o *ValueOptions) setAssigned(_ *chart.Chart, values map[string]any) error {
	for _, assignment := range o.Set {
		if err := set(assignment, values); err != nil {
			return err
		}
	}
	return nil
}

// set makes one assignment. Errors repeat no value, which may be a secret.
func set(assignment string, values map[string]any) error {
	name, _, ok := strings.Cut(assignment, "=")
	switch {
	case strings.HasPrefix(name, "webhook.secret"):
		return errors.New("--set webhook.secret would show the secret to every process here: use `deploy setup --webhook-secret-file`")
	case !ok:
		name, _, _ = strings.Cut(name, "[")
		return fmt.Errorf("--set %s must be key=value", name)
	}
	if strvals.ParseInto(assignment, values) != nil {
		return fmt.Errorf("--set %s must be key=value, as for Helm", name)
	}
	return nil
}

// table returns the map at a path, and makes what is missing.
func table(values map[string]any, path ...string) map[string]any {
	for _, key := range path {
		below, ok := values[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			values[key] = below
		}
		values = below
	}
	return values
}

func (o *ValueOptions) setImage(_ *chart.Chart, values map[string]any) error {
	if o.Image == "" {
		return nil
	}
	rest, digest, _ := strings.Cut(o.Image, "@")
	repository, tag := rest, ""
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		repository, tag = rest[:i], rest[i+1:]
	}
	if repository == "" {
		return fmt.Errorf("--image must be repository[:tag][@digest], not %q", o.Image)
	}
	maps.Copy(table(values, "image"), map[string]any{"registry": "", "repository": repository, "tag": tag, "digest": digest})
	return nil
}

func (o *ValueOptions) setStrategy(_ *chart.Chart, values map[string]any) error {
	switch o.Strategy {
	case "":
	case "rolling":
		values["strategy"] = map[string]any{"type": "RollingUpdate"}
	case "recreate":
		values["strategy"] = map[string]any{"type": "Recreate", "rollingUpdate": nil}
	default:
		return fmt.Errorf("--strategy must be rolling or recreate, not %q", o.Strategy)
	}
	return nil
}

func (o *ValueOptions) setResources(c *chart.Chart, values map[string]any) error {
	for name, limit := range map[string]string{"cpu": o.CPU, "memory": o.Memory} {
		if limit == "" {
			continue
		}
		wanted, err := resource.ParseQuantity(limit)
		if err != nil || wanted.Sign() <= 0 {
			return fmt.Errorf("--%s must be an amount such as 500m or 1Gi, not %q", name, limit)
		}
		table(values, "resources", "limits")[name] = limit
		effective, err := coalesced(c, values)
		if err != nil {
			return err
		}
		request, err := resource.ParseQuantity(fmt.Sprint(table(effective, "resources", "requests")[name]))
		if err == nil && request.Cmp(wanted) > 0 {
			table(values, "resources", "requests")[name] = limit
		}
	}
	return nil
}

func (o *ValueOptions) setReplicas(c *chart.Chart, values map[string]any) error {
	if o.Replicas < 0 {
		return nil
	}
	return setReplicas(c, values, o.Replicas)
}

// setReplicas sets the number of replicas where the chart reads it: an autoscaler keeps at least that many.
func setReplicas(c *chart.Chart, values map[string]any, replicas int) error {
	effective, err := coalesced(c, values)
	if err != nil {
		return err
	}
	values["replicas"] = replicas
	autoscaling := table(effective, "autoscaling")
	if autoscaling["enabled"] != true || replicas == 0 {
		return nil
	}
	table(values, "autoscaling")["minReplicas"] = replicas
	if number(autoscaling["maxReplicas"]) < replicas {
		table(values, "autoscaling")["maxReplicas"] = replicas
	}
	return nil
}

// namesReplicas says whether the values themselves, not the chart, say how many replicas there are.
func namesReplicas(values map[string]any) bool {
	autoscaling, _ := values["autoscaling"].(map[string]any)
	return values["replicas"] != nil || autoscaling["minReplicas"] != nil || autoscaling["enabled"] != nil
}

func number(value any) int {
	switch n := value.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

// coalesced are the values with the chart's own.
func coalesced(c *chart.Chart, values map[string]any) (map[string]any, error) {
	all, err := util.CoalesceValues(c, values)
	if err != nil {
		return nil, fmt.Errorf("merging the values with the chart's: %w", err)
	}
	return all, nil
}
