package webhook

// slots bounds how many requests do one thing at a time.
type slots chan struct{}

// enter takes a slot if there is one now.
func (s slots) enter() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) leave() { <-s }
