package service

import "maps"

// Configure sets environment variables for the next start. An empty value unsets one.
func (s *Service) Configure(env map[string]string) { maps.Copy(s.env, env) }
