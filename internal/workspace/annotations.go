package workspace

import (
	"encoding/json"
	"fmt"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// readAnnotation decodes a record that we keep in an annotation. One that was edited by hand and can't be read counts as empty.
func readAnnotation[T any](w *v1alpha1.Workspace, key string) (record T) {
	if err := json.Unmarshal([]byte(w.Annotations[key]), &record); err != nil {
		var empty T
		return empty
	}
	return record
}

func writeAnnotation(w *v1alpha1.Workspace, key string, record any) error {
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("writing the annotation %s: %w", key, err)
	}
	if w.Annotations == nil {
		w.Annotations = map[string]string{}
	}
	w.Annotations[key] = string(text)
	return nil
}
