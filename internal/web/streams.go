package web

import (
	"sync"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// streams bounds the open streams, in all and of each client, and ends those of a session.
type streams struct {
	mu       sync.Mutex
	open     int
	clients  map[string]int
	sessions map[tokenHash]map[*stream]bool
}

// stream is an open stream. end is called at most once.
type stream struct {
	client  string
	session tokenHash
	end     func()
}

func newStreams() *streams {
	return &streams{clients: map[string]int{}, sessions: map[tokenHash]map[*stream]bool{}}
}

// add counts a stream, or returns a KindUnavailable error if there are too many. end must stop it.
func (s *streams) add(client string, session tokenHash, end func()) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxStreams || s.clients[client] >= maxClientStreams {
		return nil, &workspace.Error{Kind: workspace.KindUnavailable, Detail: "too many streams are open; close some, or try again later"}
	}
	added := &stream{client: client, session: session, end: end}
	s.open++
	s.clients[client]++
	if s.sessions[session] == nil {
		s.sessions[session] = map[*stream]bool{}
	}
	s.sessions[session][added] = true
	return added, nil
}

func (s *streams) remove(old *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	s.clients[old.client]--
	if s.clients[old.client] == 0 {
		delete(s.clients, old.client)
	}
	delete(s.sessions[old.session], old)
	if len(s.sessions[old.session]) == 0 {
		delete(s.sessions, old.session)
	}
}

// endSession ends all streams of a session.
func (s *streams) endSession(session tokenHash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for open := range s.sessions[session] {
		open.end()
	}
}

// count returns how many streams are open.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}
