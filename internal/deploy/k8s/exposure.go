package k8s

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// Exposure says how senders outside the cluster reach the service.
type Exposure struct {
	Ingress bool
	// Host is the host name that senders use, and Class the IngressClass.
	Host, Class string
	// TLS is "auto" (cert-manager), the name of a Secret, "acm:ARN" (AWS), or "gke" (a certificate that Google manages).
	TLS string
	// Issuer is the ClusterIssuer of cert-manager for "auto".
	Issuer string
	// Gateway is the [NAMESPACE/]NAME[/LISTENER] of a Gateway.
	Gateway string
}

func (o *ValueOptions) setExposure(_ *chart.Chart, values map[string]any) error {
	e := &o.Exposure
	switch {
	case e.Ingress && e.Gateway != "":
		return errors.New("give either --ingress or --gateway")
	case !e.Ingress && e.Gateway == "" && (e.Host != "" || e.TLS != "" || e.Class != ""):
		return errors.New("--ingress-host, --ingress-class and --ingress-tls need --ingress or --gateway")
	case e.Gateway != "":
		return e.setGateway(values)
	case e.Ingress:
		return e.setIngress(values)
	}
	return nil
}

func (e *Exposure) setGateway(values map[string]any) error {
	if e.Host == "" {
		return errors.New("--gateway needs --ingress-host, the host name that senders use")
	}
	if e.TLS != "" || e.Class != "" {
		return errors.New("leave out --ingress-tls and --ingress-class with --gateway: configure TLS in the Gateway")
	}
	parent, err := e.parentRef()
	if err != nil {
		return err
	}
	maps.Copy(table(values, "exposure", "httpRoute"), map[string]any{
		"enabled": true, "parentRefs": []any{parent}, "hostnames": []any{e.Host},
	})
	return nil
}

// parentRef is the reference to the Gateway, as an HTTPRoute has it.
func (e *Exposure) parentRef() (map[string]any, error) {
	switch parts := strings.Split(e.Gateway, "/"); len(parts) {
	case 1:
		return map[string]any{"name": parts[0]}, nil
	case 2:
		return map[string]any{"namespace": parts[0], "name": parts[1]}, nil
	case 3:
		return map[string]any{"namespace": parts[0], "name": parts[1], "sectionName": parts[2]}, nil
	}
	return nil, fmt.Errorf("--gateway must be [NAMESPACE/]NAME[/LISTENER], not %q", e.Gateway)
}

func (e *Exposure) setIngress(values map[string]any) error {
	if e.Host == "" {
		return errors.New("--ingress needs --ingress-host, the host name that senders use")
	}
	ingress := table(values, "exposure", "ingress")
	maps.Copy(ingress, map[string]any{"enabled": true, "host": e.Host})
	e.setTLS(values, ingress)
	if e.Class != "" {
		ingress["className"] = e.Class
	}
	return nil
}

func (e *Exposure) setTLS(values, ingress map[string]any) {
	arn, isACM := strings.CutPrefix(e.TLS, "acm:")
	switch {
	case e.TLS == "":
	case e.TLS == "auto":
		table(ingress, "annotations")["cert-manager.io/cluster-issuer"] = e.Issuer
		ingress["tlsSecretName"] = "workspace-flyte-integration-tls"
	case e.TLS == "gke":
		e.setGKE(values, ingress)
	case isACM:
		e.setACM(values, ingress, arn)
	default:
		ingress["tlsSecretName"] = e.TLS
	}
}

// loadBalancerDelay is how long cloud load balancers still send requests to a pod that stops.
const loadBalancerDelay = 15

func (e *Exposure) setACM(values, ingress map[string]any, arn string) {
	ingress["className"] = "alb"
	maps.Copy(table(ingress, "annotations"), map[string]any{
		"alb.ingress.kubernetes.io/scheme":           "internal",
		"alb.ingress.kubernetes.io/target-type":      "ip",
		"alb.ingress.kubernetes.io/listen-ports":     `[{"HTTP": 80}, {"HTTPS": 443}]`,
		"alb.ingress.kubernetes.io/ssl-redirect":     "443",
		"alb.ingress.kubernetes.io/ssl-policy":       "ELBSecurityPolicy-TLS13-1-2-2021-06",
		"alb.ingress.kubernetes.io/certificate-arn":  arn,
		"alb.ingress.kubernetes.io/healthcheck-path": "/readyz",
	})
	values["preStopSeconds"] = loadBalancerDelay
}

func (e *Exposure) setGKE(values, ingress map[string]any) {
	const name = "workspace-flyte-integration"
	maps.Copy(table(ingress, "annotations"), map[string]any{
		"kubernetes.io/ingress.class":            "gce",
		"kubernetes.io/ingress.allow-http":       "false",
		"networking.gke.io/managed-certificates": name,
	})
	table(values, "service", "annotations")["cloud.google.com/neg"] = `{"ingress": true}`
	table(values, "webhook")["idleTimeout"] = "620s"
	values["preStopSeconds"] = loadBalancerDelay
	objects, _ := values["extraObjects"].([]any)
	values["extraObjects"] = append(objects, map[string]any{
		"apiVersion": "networking.gke.io/v1", "kind": "ManagedCertificate",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"domains": []any{e.Host}},
	})
}
