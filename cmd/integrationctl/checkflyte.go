package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/remedy"
)

// checkFlyte judges Flyte by what the service says, and by the conditions of workspaces: this program may not reach it.
func (e *examination) checkFlyte(context.Context) []finding {
	const check = "Flyte"
	if reason, message := e.flyteProblem(); reason != "" {
		r, _ := remedy.Of(reason)
		return []finding{failed(check, reason+": "+message, r.Do.Plain())}
	}
	switch {
	case e.health == nil && e.settings == nil:
		return nil // said already
	case e.health == nil:
		return []finding{warned(check, "no workspace complains, and the service was not reached", "")}
	case slices.Contains(e.health.Reasons, "Flyte unreachable"):
		r, _ := remedy.Of(v1alpha1.ReasonFlyteUnavailable)
		return []finding{failed(check, "the service does not reach "+e.settings["FLYTE_ADMIN_ENDPOINT"], r.Do.Plain())}
	case strings.Contains(e.health.Flyte, ", without "):
		r, _ := remedy.Of(v1alpha1.ReasonFlyteDomainUnknown)
		return []finding{failed(check, e.health.Flyte, r.Do.Plain())}
	}
	return []finding{passed(check, "%s (API %s) answers, with the domains %s",
		e.health.Flyte, e.settings["FLYTE_API_VERSION"], e.settings["FLYTE_DOMAINS"])}
}

// flyteProblem is the reason of the first workspace whose project fails for a reason of Flyte itself.
func (e *examination) flyteProblem() (reason, message string) {
	for i := range e.workspaces {
		for _, c := range e.workspaces[i].Status.Conditions {
			itsOwn := c.Reason == v1alpha1.ReasonFlyteRejected
			if c.Type == v1alpha1.ConditionFlyteProjectRegistered && strings.HasPrefix(c.Reason, "Flyte") && !itsOwn {
				return c.Reason, c.Message
			}
		}
	}
	return "", ""
}

// flyteMapping finds the template of namespace_mapping in Flyte's configuration.
var flyteMapping = regexp.MustCompile(`(?m)^\s*namespace_mapping:\s*(?:\{\s*)?template:\s*["']?([^"'\n]*\{\{[^"'\n]*\}\}[^"'\n}]*)`)

// checkMapping compares Flyte's namespace_mapping with NAMESPACE_TEMPLATE.
func (e *examination) checkMapping(ctx context.Context) []finding {
	const check = "namespace mapping"
	if e.settings == nil {
		return nil
	}
	if _, err := e.settings.naming(e.installed.namespace); err != nil {
		return []finding{failed(check, err.Error(), "correct workspaces.namespaceTemplate of the chart: docs/configuration.md")}
	}
	want := wantedMapping(e.settings)
	var configs corev1.ConfigMapList
	if err := e.kube.List(ctx, &configs, client.InNamespace(e.settings["FLYTE_NAMESPACE"])); err != nil {
		return []finding{unreadable(check, err)}
	}
	switch mapping := mappingIn(configs.Items); {
	case mapping == "":
		return []finding{warned(check, "no namespace_mapping was found in ConfigMaps of namespace "+e.settings["FLYTE_NAMESPACE"],
			fmt.Sprintf("make sure that Flyte has namespace_mapping: {template: %q}: docs/flyte.md#namespace-mapping", want))}
	case compact(mapping) != compact(want):
		return []finding{failed(check, fmt.Sprintf("Flyte maps projects to %s, the service to %s", mapping, want),
			"set Flyte's namespace_mapping to the service's, or NAMESPACE_TEMPLATE to Flyte's: docs/flyte.md#namespace-mapping")}
	}
	return []finding{passed(check, "Flyte and the service use %s", want)}
}

// mappingIn returns the template of the first namespace_mapping in Flyte's configuration.
func mappingIn(configs []corev1.ConfigMap) string {
	for i := range configs {
		for _, text := range configs[i].Data {
			if match := flyteMapping.FindStringSubmatch(text); match != nil {
				return match[1]
			}
		}
	}
	return ""
}

// wantedMapping is NAMESPACE_TEMPLATE in Flyte's words.
func wantedMapping(s settings) string {
	return strings.NewReplacer("{prefix}", s["KUBERNETES_NAMESPACE_PREFIX"], "{project}", "{{ project }}", "{domain}", "{{ domain }}").
		Replace(s["NAMESPACE_TEMPLATE"])
}

func compact(text string) string { return strings.ReplaceAll(text, " ", "") }
