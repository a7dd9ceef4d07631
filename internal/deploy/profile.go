package deploy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"
)

// ProfileFile is where a profile is looked for.
const ProfileFile = "integration.yaml"

// maxProfile bounds a profile, in bytes.
const maxProfile = 64 << 10

// Profile holds the flags of targets, so that a command without flags repeats what was done before.
type Profile struct {
	// Target is used where the command line names none.
	Target string
	// Flags are the values of flags, by target and name.
	Flags map[string]map[string][]string
}

// ParseProfile parses a file such as
//
//	target: k8s
//	k8s:
//	  context: production
//	  values: [base.yaml, production.yaml]
//	  replicas: 3
func ParseProfile(text []byte) (*Profile, error) {
	if len(text) > maxProfile {
		return nil, fmt.Errorf("it is longer than %d bytes", maxProfile)
	}
	fields := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &fields); err != nil {
		return nil, err
	}
	p := &Profile{Flags: map[string]map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := p.set(name, fields[name]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// set sets the target, or the flags of one.
func (p *Profile) set(name string, field any) error {
	if target, ok := field.(string); ok && name == "target" {
		p.Target = target
		return nil
	}
	values, ok := field.(map[string]any)
	if !ok {
		return fmt.Errorf("%s must be a map of flags to their values", name)
	}
	flags, err := parseFlags(values)
	if err != nil {
		return fmt.Errorf("%s.%w", name, err)
	}
	p.Flags[name] = flags
	return nil
}

func parseFlags(values map[string]any) (map[string][]string, error) {
	flags := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list, ok := values[name].([]any)
		if !ok {
			list = []any{values[name]}
		}
		texts := []string{}
		for _, one := range list {
			text, err := scalar(one)
			if err != nil {
				return nil, fmt.Errorf("%s %w", name, err)
			}
			texts = append(texts, text)
		}
		flags[name] = texts
	}
	return flags, nil
}

func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return fmt.Sprint(v), nil
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v)), nil
		}
		return fmt.Sprint(v), nil
	}
	return "", errors.New("must be a text, a number, true or false, or a list of these")
}
