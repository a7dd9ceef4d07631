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

func TestNotes_SayWhatWorkspacesReach(t *testing.T) {
	closed := notesOf(t, "v1", map[string]any{})
	for _, want := range []string{"do not reach 10.0.0.0/8, 172.16.0.0/12, ", "flyte-system at TCP 80, 81, 443, 8088, 8089, 9000."} {
		if !strings.Contains(closed, want) {
			t.Errorf("want %q in\n%s", want, closed)
		}
	}
	if open := notesOf(t, "v1", map[string]any{"egressExceptCIDRs": []any{}}); !strings.Contains(open, "reach the whole cluster") {
		t.Errorf("the notes say\n%s", open)
	}
}

func renderedNotes(t *testing.T, api, template string) string {
	t.Helper()
	return notesOf(t, api, map[string]any{"namespaceTemplate": template})
}

func notesOf(t *testing.T, api string, workspaces map[string]any) string {
	t.Helper()
	files, err := render(Options{Namespace: "platform-services", Values: map[string]any{
		"flyte":      map[string]any{"consoleURL": "https://flyte-console.company.com", "apiVersion": api},
		"webhook":    map[string]any{"existingSecret": "workspace-integration-secrets"},
		"workspaces": workspaces,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return files["workspace-flyte-integration/templates/"+notes]
}
