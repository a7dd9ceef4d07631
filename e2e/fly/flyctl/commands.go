package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// readSecrets parses as flyctl does: a line longer than 64 KiB ends the input without an error.
func (s *standIn) readSecrets(in io.Reader) {
	lines := bufio.NewScanner(in)
	name, value, open := "", "", false
	for lines.Scan() {
		line := lines.Text()
		if !open {
			name, line, _ = strings.Cut(line, "=")
			if line, open = strings.CutPrefix(line, `"""`); !open {
				s.Secrets[name] = line
				continue
			}
		}
		end := strings.HasSuffix(line, `"""`)
		if value += strings.TrimSuffix(line, `"""`); end {
			s.Secrets[name], value, open = value, "", false
			continue
		}
		value += "\n"
	}
}

// later are the commands that fail after the deployment of an image with that tag.
var later = map[string]string{"broken-then-deploy": "deploy", "broken-then-releases": "releases"}

// deploy fails for an image whose name has "broken". Machines of an image with "sick" never pass their checks. "slow" is deployed until
// it is interrupted.
func (s *standIn) deploy(dir, file, image string) error {
	if strings.Contains(image, "slow") {
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		if err := os.WriteFile(filepath.Join(dir, "slow"), nil, 0o600); err != nil {
			return err
		}
		<-interrupted
		return errors.New("interrupted: leases were given back")
	}
	config, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if parsed := parseTOML(string(config)); parsed["app"] != s.App {
		return fmt.Errorf("the app in %s is %v", file, parsed["app"])
	}
	s.Config = string(config)
	r := standInRelease{
		Version: len(s.Releases) + 1, Status: "complete", Description: "Release", ImageRef: image,
		CreatedAt: time.Date(2026, 11, 29, 14, 20, len(s.Releases), 0, time.UTC), User: map[string]string{"email": "ana@company.com"},
	}
	if len(s.Machines) == 0 {
		s.Machines = []standInMachine{{ID: "m0", Region: "fra"}}
	}
	status := "passing"
	if strings.Contains(image, "broken") || strings.Contains(image, "sick") {
		status = "critical"
	}
	repository, tag, _ := strings.Cut(image, ":")
	if command, ok := later[tag]; ok {
		if err := os.WriteFile(filepath.Join(dir, "fails"), []byte(command), 0o600); err != nil {
			return err
		}
	}
	for i := range s.Machines {
		s.Machines[i].State, s.Machines[i].Image = "started", map[string]string{"repository": repository, "tag": tag, "digest": "sha256:" + tag}
		s.Machines[i].Checks = []map[string]any{
			{"name": "livez", "status": "passing"}, {"name": "servicecheck-00-http-8080", "status": status, "output": "503"},
		}
		fmt.Println("Updating machine", s.Machines[i].ID)
	}
	if strings.Contains(image, "broken") {
		r.Status = "failed"
		err = errors.New("timeout reached waiting for health checks to pass for machine m0")
	}
	s.Releases = append(s.Releases, r)
	return err
}

func (s *standIn) scale(count, regions string) error {
	n := 0
	if _, err := fmt.Sscan(count, &n); err != nil {
		return err
	}
	places := strings.Split(regions, ",")
	machines := []standInMachine{}
	for i := range n {
		m := standInMachine{ID: fmt.Sprintf("m%d", i), Region: places[i%len(places)]}
		if len(s.Machines) > 0 {
			m.State, m.Image, m.Checks = s.Machines[0].State, s.Machines[0].Image, s.Machines[0].Checks
		}
		machines = append(machines, m)
	}
	s.Machines = machines
	return nil
}

func (s *standIn) setState(ids []string, state string) {
	for i := range s.Machines {
		if slices.Contains(ids, s.Machines[i].ID) {
			s.Machines[i].State = state
		}
	}
}
