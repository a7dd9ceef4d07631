package workspace

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api"
	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// described is a schema of the OpenAPI document.
func described(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	schema := apitest.Document(t).Components.Schemas[name]
	if schema == nil {
		t.Fatalf("openapi.yaml has no schema %s", name)
	}
	return schema.Value
}

// compiled is a schema of the OpenAPI document, ready to validate many values: kin-openapi would compile it again for each.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(api.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.yaml", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.yaml#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// bounds is what a schema says in the words of the validator.
func bounds(s *openapi3.Schema) string {
	var words []string
	for _, limit := range []*uint64{s.MaxLength, s.MaxItems, s.MaxProps} {
		if limit != nil {
			words = append(words, fmt.Sprintf("max=%d", *limit))
		}
	}
	if len(s.Enum) > 0 {
		words = append(words, "oneof="+strings.Trim(fmt.Sprint(s.Enum), "[]"))
	}
	for _, inner := range s.AllOf { // what stands beside a $ref
		if words := bounds(inner.Value); words != "" {
			return words
		}
	}
	return strings.Join(words, ",")
}

// ruled are the same words of a rule of ours.
func ruled(rule string) string {
	rule, _, _ = strings.Cut(rule, ",dive")
	var words []string
	for word := range strings.SplitSeq(rule, ",") {
		if strings.HasPrefix(word, "max=") || strings.HasPrefix(word, "oneof=") {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}

func TestRules_AgreeWithOpenAPIOnBounds(t *testing.T) {
	for schema, fields := range map[string]map[string]string{
		"Workspace": {"Name": "name", "Description": "description", "Owner": "owner", "Members": "members", "Labels": "labels"},
		"Member":    {"Kind": "kind", "Name": "name", "Role": "role"},
	} {
		rules := map[string]map[string]string{"Workspace": dataRules, "Member": memberRules}[schema]
		for field, member := range fields {
			want := ruled(rules[field])
			if diff := cmp.Diff(want, bounds(described(t, schema).Properties[member].Value)); diff != "" || want == "" {
				t.Errorf("%s.%s (-ours +openapi.yaml):\n%s", schema, member, diff)
			}
		}
	}
	if got := described(t, "Version"); *got.Min != 1 || *got.Max != MaxVersion {
		t.Errorf("the versions of openapi.yaml are from %v to %v", *got.Min, *got.Max)
	}
}

// TestRules_AgreeWithOpenAPIOnFields: neither knows a field that the other does not.
func TestRules_AgreeWithOpenAPIOnFields(t *testing.T) {
	v := NewValidator(newNaming(t, sharedTemplate))
	full := `{"workspace_id":"a","version":1,"name":"a","description":"a","owner":"a","tier":"a","quota":{},"members":[],"labels":{}}`
	data, err := DecodeData([]byte(full))
	if err != nil || v.Data(data) != nil {
		t.Fatal(err, v.Data(data))
	}
	want := len(dataRules) + 1 // the quota's rules are its own
	if got := len(described(t, "Workspace").Properties); got != want {
		t.Errorf("openapi.yaml describes %d fields of a workspace, want %d", got, want)
	}
	for schema, rules := range map[string]map[string]string{"Quota": quotaRules, "Member": memberRules} {
		if got := len(described(t, schema).Properties); got != len(rules) {
			t.Errorf("openapi.yaml describes %d fields of a %s, want %d", got, schema, len(rules))
		}
	}
}

func TestRules_AgreeWithOpenAPIOnQuantities(t *testing.T) {
	for field, rule := range map[string]*regexp.Regexp{"cpu": quantity, "memory": quantity, "storage": quantity, "gpu": count, "pods": count} {
		schema := described(t, "Quota").Properties[field].Value
		if schema.Pattern != rule.String() {
			t.Errorf("%s: openapi.yaml has %q, the edge %s", field, schema.Pattern, rule)
		}
	}
}

func TestRules_AgreeWithOpenAPIOnTexts(t *testing.T) {
	pattern := regexp.MustCompile(described(t, "Text").Pattern)
	for r := range rune(utf8.MaxRune + 1) {
		if text := "a" + string(r) + "b"; utf8.ValidRune(r) && pattern.MatchString(text) != printable.Is(text) {
			t.Errorf("%U: openapi.yaml says %v, the edge %v", r, pattern.MatchString(text), printable.Is(text))
		}
	}
}

// TestRules_AgreeWithOpenAPIOnWorkspaces tries what is near every border of every rule.
func TestRules_AgreeWithOpenAPIOnWorkspaces(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	fragments := []string{
		`"tier":"` + a(63) + `"`, `"tier":"` + a(64) + `"`, `"tier":"-a"`, `"tier":"a.b"`, `"tier":"A"`,
		`"description":"` + strings.Repeat("ü", 300) + `"`, `"description":"` + strings.Repeat("ü", 301) + `"`,
		`"owner":"` + a(254) + `"`,
		`"version":9007199254740991`, `"version":9007199254740992`, `"version":-1`, `"version":1.5`, `"version":"1"`,
		`"version":7.0`, `"version":1e3`, `"version":70e-1`, `"version":9.007199254740992e15`,
		`"quota":{"cpu":"1e3"}`, `"quota":{"cpu":"0.5"}`, `"quota":{"gpu":"1k"}`, `"quota":{"cpu":40}`,
		`"quota":{"other":1}`, `"quota":[]`, `"quota":{"extra":[]}`, `"quota":{"extra":{"count/jobs.batch":5}}`,
		`"labels":{"a/b":"c"}`, `"labels":{"/b":"c"}`, `"labels":{"kubernetes.io/b":"c"}`, `"labels":{"k8s.io/b":"c"}`,
		`"labels":{"x.k8s.io/b":"c"}`, `"labels":{"xk8s.io/b":"c"}`,
		`"labels":{"platform.company.com/b":"c"}`, `"labels":{"` + a(63) + `":""}`, `"labels":{"` + a(64) + `":""}`,
		`"labels":{"a":"` + a(64) + `"}`, `"labels":{"a":"b_"}`, `"labels":{"A/b":"c"}`, `"labels":{"a":1}`, `"labels":{"":"c"}`,
	}
	for _, name := range []string{"a", "", "system:x", "System:x", "x:system:", "sa", "a.b", "a..b", "A", "a:b", a(253), a(254)} {
		for _, kind := range []string{"User", "Group", "ServiceAccount", "Robot"} {
			fragments = append(fragments, fmt.Sprintf(`"members":[{"kind":%q,"name":%q,"role":"admin"}]`, kind, name))
		}
	}
	fragments = append(fragments,
		`"members":[{"kind":"User","name":"a","role":"owner"}]`, `"members":[{"kind":"User","name":"a"}]`, `"members":{}`)
	for _, key := range append(quotaKeys(), "configmaps", "count/configmaps", "secrets", "count/secrets") {
		for _, amount := range []string{"0", "00k", "1", "01", "2", "5Gi", "1.5Gi", "500m", "-1", ""} {
			fragments = append(fragments, fmt.Sprintf(`"quota":{"extra":{%q:%q}}`, key, amount))
		}
	}
	schema, v := compiled(t, "Workspace"), NewValidator(newNaming(t, sharedTemplate))
	for _, fragment := range fragments {
		body := `{"workspace_id":"ws","name":"Fraud",` + fragment + `}`
		data, err := DecodeData([]byte(body))
		if err == nil {
			err = v.Data(data)
		}
		if described := schema.Validate(jsonValue(t, body)); (described == nil) != (err == nil) {
			t.Errorf("%.120s: openapi.yaml says %v, the edge %v", fragment, described, err)
		}
	}
}

// quotaKeys are keys near the borders of what a ResourceQuota takes.
func quotaKeys() []string {
	domain := strings.Repeat("d.", 126) + "d"
	return []string{
		"requests.ephemeral-storage", "ephemeral-storage", "replicationcontrollers", "resourcequotas", "cpu", "requests.cpu", "pods",
		"services.loadbalancers", "persistentvolumeclaims", "hugepages-2Mi", "requests.hugepages-2Mi", "hugepages-", "limits.hugepages-2Mi",
		"count/jobs.batch", "count/events", "count/limitranges", "count/", "/a", "a/b/c", "A/b", "a..b/c", "a/-b", "a b/c", "count.jobs",
		"requests.nvidia.com/mig-1g.5gb", "gold.storageclass.storage.k8s.io/requests.storage", "gpu.deviceclass.resource.k8s.io/devices",
		domain + "/" + strings.Repeat("k", 63), domain + "d/k", "a/" + strings.Repeat("k", 64),
	}
}

func jsonValue(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
