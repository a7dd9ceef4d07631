package fly

import (
	"strings"
	"testing"
)

// TestCheckSecrets_RefusesWhatFlyctlWouldChange, and repeats no value.
func TestCheckSecrets_RefusesWhatFlyctlWouldChange(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty": "", "long": strings.Repeat("s3cr3t", maxSecret), "quotes": `s3cr3t"""`, "carriage return": "s3cr3t\r\n",
	} {
		err := checkSecrets(map[string]string{"NAME": value})
		if err == nil || !strings.Contains(err.Error(), "NAME") || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkSecrets(map[string]string{"NAME": "one\ntwo"}); err != nil {
		t.Error(err)
	}
}

func TestTOML_QuotesStrings(t *testing.T) {
	t.Parallel()
	got := table{"a": "\"x\\\n\u00fc", "b": []table{{"c": 1}}}.toml()
	if want := "a = \"\\\"x\\\\\\u000A\u00fc\"\n\n[[b]]\nc = 1\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
