package printable_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

func TestText(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"ordinary":          {"Fraud 👩‍🔬 שלום", 100, "Fraud 👩‍🔬 שלום"},
		"lines":             {"a\r\nlevel=error\tx", 100, "a  level=error x"},
		"terminal sequence": {"a\x1b[31m\u009b", 100, "a\ufffd[31m\ufffd"},
		"reversed":          {"a\u202eb\u2066c\u061cd", 100, "a\ufffdb\ufffdc\ufffdd"},
		"other lines":       {"a\u2028b\u2029c\u0085d", 100, "a\ufffdb\ufffdc\ufffdd"},
		"not UTF-8":         {"a\xffb", 100, "a\ufffdb"},
		"fits exactly":      {strings.Repeat("ä", 5), 10, strings.Repeat("ä", 5)},
		"too long":          {"0123456789ab", 10, "0123456…"},
		"cut in a letter":   {"012345ä789", 10, "012345…"},
		"no room":           {"0123456789", 2, ""},
		"nothing":           {"", 0, ""},
		"no limit left":     {"a", -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := printable.Text(test.text, test.limit); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "Fraud 👩‍🔬": true, "\u00a0\ufffd": true, "a\nb": false, "a\xff": false, "a\u202e": false, "\x7f": false, "\u200f": false,
	} {
		if got := printable.Is(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\u202eb\xff", 4)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		got := printable.Text(text, limit)
		if !utf8.ValidString(got) || len(got) > max(0, limit) || !printable.Is(got) {
			t.Errorf("got %q", got)
		}
		if printable.Text(got, limit) != got {
			t.Errorf("%q changes when it is cleaned again", got)
		}
		if printable.Is(text) && len(text) <= limit && got != text {
			t.Errorf("changed %q to %q", text, got)
		}
	})
}
