package deploy

import (
	"strings"
	"testing"
)

// The settings only work where Flyte makes the same names.
func TestNotes_TellFlytesTemplate(t *testing.T) {
	for template, want := range map[string]string{
		"{prefix}{project}":          `template: "flyte-{{ project }}"`,
		"{prefix}{project}-{domain}": `template: "flyte-{{ project }}-{{ domain }}"`,
	} {
		text := renderedNotes(t, "v1", template)
		if !strings.Contains(text, want) {
			t.Errorf("%s: want %s in\n%s", template, want, text)
		}
		if warns := strings.Contains(text, "collide"); warns == strings.Contains(template, "{domain}") {
			t.Errorf("%s: warns about collisions: %t", template, warns)
		}
	}
}

func TestNotes_SayThatFlyte2HasNoMapping(t *testing.T) {
	text := renderedNotes(t, "v2", "{prefix}{project}")
	maps := strings.Contains(text, "namespace_mapping") || strings.Contains(text, "collide")
	if maps || !strings.Contains(text, "\n\nFlyte 2 runs the pods") {
		t.Errorf("the notes say\n%s", text)
	}
}

func renderedNotes(t *testing.T, api, template string) string {
	t.Helper()
	files, err := render(Options{Namespace: "platform-services", Values: map[string]any{
		"flyte":      map[string]any{"consoleURL": "https://flyte-console.company.com", "apiVersion": api},
		"webhook":    map[string]any{"existingSecret": "workspace-integration-secrets"},
		"workspaces": map[string]any{"namespaceTemplate": template},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return files["workspace-flyte-integration/templates/"+notes]
}
