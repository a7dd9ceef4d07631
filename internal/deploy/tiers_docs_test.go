package deploy_test

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// yamlBlocks are the blocks of YAML in a document.
func yamlBlocks(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

func TestTiersDocument_ShowsTiersThatAreTaken(t *testing.T) {
	taken := 0
	for _, block := range yamlBlocks(t, "../../docs/tiers.md") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(block), &object.Object); err != nil {
			t.Fatal(err)
		}
		if object.GetKind() != "WorkspaceTier" {
			continue
		}
		if err := clientFor(t, installed(t)).Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Error(err)
		}
		taken++
	}
	if taken != 7 {
		t.Errorf("the document has %d tiers", taken)
	}
}

// integrationctl convert makes this tier of templates for Flyte.
func TestConvertedTier_IsTaken(t *testing.T) {
	text, err := os.ReadFile("../../cmd/integrationctl/testdata/converted-tier.yaml")
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(text, &object.Object); err != nil {
		t.Fatal(err)
	}
	if err := clientFor(t, installed(t)).Create(t.Context(), object, client.DryRunAll); err != nil {
		t.Error(err)
	}
}

// propeller is the part of its configuration that the document shows.
type propeller struct {
	Plugins struct {
		K8s struct {
			Pod       *corev1.PodSecurityContext `json:"default-pod-security-context"`
			Container *corev1.SecurityContext    `json:"default-security-context"`
		} `json:"k8s"`
	} `json:"plugins"`
}

// Propeller gives every pod these two contexts. A pod with them must be accepted, and a pod without them refused.
func TestTiersDocument_ShowsHowToBeRestricted(t *testing.T) {
	var config propeller
	for _, block := range yamlBlocks(t, "../../docs/tiers.md") {
		if strings.HasPrefix(block, "plugins:") {
			if err := yaml.UnmarshalStrict([]byte(block), &config); err != nil {
				t.Fatal(err)
			}
		}
	}
	admin := clientFor(t, installed(t))
	restricted := createNamespace(t, admin, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: restricted, Name: "flyte-workload"}}
	if err := admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	task := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: restricted, Name: "task"},
		Spec: corev1.PodSpec{
			ServiceAccountName: account.Name, Containers: []corev1.Container{{Name: "task", Image: "registry.company.com/task:1"}},
		},
	}
	if err := admin.Create(t.Context(), task.DeepCopy(), client.DryRunAll); !apierrors.IsForbidden(err) {
		t.Errorf("without a security context: %v", err)
	}
	task.Spec.SecurityContext = config.Plugins.K8s.Pod
	task.Spec.Containers[0].SecurityContext = config.Plugins.K8s.Container
	if err := admin.Create(t.Context(), task, client.DryRunAll); err != nil {
		t.Error(err)
	}
}
