package service

import "maps"

// Configure sets variables for the next start. An empty one is as good as none.
func (s *Service) Configure(env map[string]string) { maps.Copy(s.env, env) }
