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
		files, err := render(Options{Namespace: "platform-services", Values: map[string]any{
			"flyte":      map[string]any{"consoleURL": "https://flyte-console.company.com"},
			"webhook":    map[string]any{"existingSecret": "workspace-integration-secrets"},
			"workspaces": map[string]any{"namespaceTemplate": template},
		}})
		if err != nil {
			t.Fatal(err)
		}
		text := files["workspace-flyte-integration/templates/"+notes]
		if !strings.Contains(text, want) {
			t.Errorf("%s: want %s in\n%s", template, want, text)
		}
		if warns := strings.Contains(text, "collide"); warns == strings.Contains(template, "{domain}") {
			t.Errorf("%s: warns about collisions: %t", template, warns)
		}
	}
}
