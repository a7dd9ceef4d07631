package k8s

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// owner reports whether a key is ours.
type owner func(key string) bool

// ownedKeys report which labels and annotations of an object are ours: those of the service, and those of the tier, whose
// keys are in an annotation of the object.
func ownedKeys(o metav1.Object) (labels, annotations owner) {
	ofTier := v1alpha1.TierKeysOf(o)
	labels = func(key string) bool { return isServiceLabel(key) || slices.Contains(ofTier.Labels, key) }
	annotations = func(key string) bool {
		return slices.Contains(serviceAnnotations, key) || slices.Contains(ofTier.Annotations, key)
	}
	return labels, annotations
}

var serviceAnnotations = []string{v1alpha1.AnnotationTierKeys, v1alpha1.AnnotationDevices, v1alpha1.AnnotationTierObject}

func isServiceLabel(key string) bool {
	return key == v1alpha1.LabelWorkspace || key == v1alpha1.LabelDomain || key == v1alpha1.LabelQueue || key == v1alpha1.LabelManagedBy ||
		strings.HasPrefix(key, v1alpha1.PodSecurityPrefix)
}

// only are the entries that are ours.
func only(all map[string]string, ours owner) map[string]string {
	owned := map[string]string{}
	for key, value := range all {
		if ours(key) {
			owned[key] = value
		}
	}
	return owned
}

// overwriteMetadata makes the labels and annotations that are ours those of want, and leaves the others alone.
func overwriteMetadata(live, want metav1.Object) {
	liveLabels, liveAnnotations := ownedKeys(live)
	wantLabels, wantAnnotations := ownedKeys(want)
	live.SetLabels(replaced(live.GetLabels(), liveLabels, only(want.GetLabels(), wantLabels)))
	live.SetAnnotations(replaced(live.GetAnnotations(), liveAnnotations, only(want.GetAnnotations(), wantAnnotations)))
}

// replaced is all without those that are ours, and with those of want.
func replaced(all map[string]string, ours owner, want map[string]string) map[string]string {
	result := maps.Clone(all)
	maps.DeleteFunc(result, func(key, _ string) bool { return ours(key) })
	if result == nil {
		return want
	}
	maps.Copy(result, want)
	return result
}
