// Command flyctl is a stand-in of the real one, for scripts.
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// standIn is a flyctl that knows the commands and flags of the real one that are used here, and an account with one organization. Its
// state is a file. It refuses any other command, flag or number of arguments.
type standIn struct {
	App      string
	Deployed bool
	Secrets  map[string]string
	Certs    []string
	Config   string
	Releases []standInRelease
	Machines []standInMachine
}

type standInRelease struct {
	Version     int
	Status      string
	Description string
	ImageRef    string
	CreatedAt   time.Time
	User        map[string]string
}

type standInMachine struct {
	ID     string            `json:"id"`
	State  string            `json:"state"`
	Region string            `json:"region"`
	Image  map[string]string `json:"image_ref"`
	Checks []map[string]any  `json:"checks"`
}

// standInFlags are the flags of each command, and the least number of arguments.
var standInFlags = map[string]struct {
	texts, switches string
	arguments       int
}{
	"version":        {"", "json", 0},
	"auth whoami":    {"", "json", 0},
	"orgs list":      {"", "json", 0},
	"apps list":      {"org", "json quiet", 0},
	"apps create":    {"org name", "json", 1},
	"apps restart":   {"", "force-stop skip-health-checks", 1},
	"apps destroy":   {"", "yes", 1},
	"secrets import": {"app", "stage detach", 0},
	"secrets list":   {"app", "json", 0},
	"releases":       {"app", "image json", 0},
	"config save":    {"app config", "json yes", 0},
	"config show":    {"app config", "local toml", 0},
	"deploy":         {"app config image wait-timeout strategy primary-region", "yes ha detach", 0},
	"scale count":    {"app region max-per-region", "yes", 1},
	"certs list":     {"app", "json", 0},
	"certs add":      {"app", "json", 1},
	"machine list":   {"app", "json quiet", 0},
	"machine stop":   {"app signal", "", 1},
	"machine start":  {"app", "", 1},
	"logs":           {"app instance region", "no-tail json", 0},
}

func main() { os.Exit(run()) }

func run() int {
	dir := filepath.Clean(os.Getenv("FLY_STATE"))
	s := &standIn{Secrets: map[string]string{}}
	if text, err := os.ReadFile(filepath.Join(dir, "state.json")); err == nil {
		if err := json.Unmarshal(text, s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	calls, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shown := slices.Clone(os.Args[1:])
	for i, argument := range shown {
		if filepath.IsAbs(argument) { // a temporary directory
			shown[i] = filepath.Base(argument)
		}
	}
	fmt.Fprintln(calls, strings.Join(shown, " "))
	err = s.run(dir, os.Args[1:])
	text, errText := json.Marshal(s)
	if errText == nil {
		errText = os.WriteFile(filepath.Join(dir, "state.json"), text, 0o600)
	}
	if err == nil {
		err = errText
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	return 0
}

// call is one command with its arguments.
type call struct {
	name, dir string
	flags     *pflag.FlagSet
}

func (c *call) flag(name string) string { return c.flags.Lookup(name).Value.String() }

// parse refuses what the real flyctl would.
func parse(args []string) (*call, error) {
	name := args[0]
	if _, ok := standInFlags[name]; !ok && len(args) > 1 {
		name += " " + args[1]
	}
	known, ok := standInFlags[name]
	if !ok {
		return nil, fmt.Errorf("unknown command %q", name)
	}
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	for flag := range strings.FieldsSeq(known.texts) {
		flags.String(flag, "", "")
	}
	for flag := range strings.FieldsSeq(known.switches) {
		flags.Bool(flag, false, "")
	}
	if err := flags.Parse(args[len(strings.Fields(name)):]); err != nil {
		return nil, err
	}
	if flags.NArg() < known.arguments || known.arguments == 0 && flags.NArg() > 0 {
		return nil, fmt.Errorf("%s takes other arguments than %q", name, flags.Args())
	}
	return &call{name: name, flags: flags}, nil
}

func (s *standIn) run(dir string, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	c.dir = dir
	if c.flags.Lookup("app") != nil && (c.flag("app") == "" || c.flag("app") != s.App) {
		return fmt.Errorf("could not find App %q", c.flag("app"))
	}
	if fails, err := os.ReadFile(filepath.Join(dir, "fails")); err == nil && strings.TrimSpace(string(fails)) == c.name {
		return fmt.Errorf("%s: no access", c.name)
	}
	if data := s.read(c.name); data != nil {
		return json.NewEncoder(os.Stdout).Encode(data)
	}
	return s.change(c)
}

// read is the data of a command that prints JSON, or nil.
func (s *standIn) read(name string) any {
	switch name {
	case "version":
		return map[string]string{"Version": os.Getenv("FLY_VERSION")}
	case "auth whoami":
		return map[string]string{"email": "ana@company.com"}
	case "orgs list":
		return map[string]string{"company": "Company", "personal": "Ana"}
	case "apps list":
		return []map[string]any{{"Name": s.App, "Organization": map[string]string{"Slug": "company"}}}
	case "secrets list":
		return named("Name", slices.Sorted(maps.Keys(s.Secrets)))
	case "certs list":
		return named("Hostname", s.Certs)
	case "releases":
		return s.Releases
	case "config show":
		return parseTOML(s.Config)
	case "machine list":
		return s.Machines
	}
	return nil
}

func named(field string, names []string) []map[string]string {
	list := []map[string]string{}
	for _, name := range names {
		list = append(list, map[string]string{field: name})
	}
	return list
}

// change runs a command that is not for reading.
func (s *standIn) change(c *call) error {
	first := c.flags.Arg(0)
	switch c.name {
	case "apps create":
		s.App = first
		fmt.Println("New app created:", s.App)
	case "apps destroy":
		*s = standIn{}
	case "secrets import":
		s.readSecrets(os.Stdin)
	case "config save":
		return os.WriteFile(c.flag("config"), []byte(s.Config), 0o600)
	case "deploy":
		return s.deploy(c.dir, c.flag("config"), c.flag("image"))
	case "scale count":
		return s.scale(first, c.flag("region"))
	case "certs add":
		s.Certs = append(s.Certs, first)
		fmt.Println("Add a CNAME record for", first)
	case "machine stop":
		s.setState(c.flags.Args(), "stopped")
	case "machine start":
		s.setState(c.flags.Args(), "started")
	case "logs":
		fmt.Println("2026-11-29T14:20:52Z app[m0] fra [info] listening")
	}
	return nil
}
