package cache

// Prune forgets, in this process alone, the values whose names gone holds for:
// what is being loaded at the moment is handed to those who wait and not kept.
// It looks at all names, so that it is for now and then.
func (s *Space[V]) Prune(gone func(name string) bool) {
	var names []string
	s.mu.Lock()
	for name := range s.flights {
		if gone(name) {
			names = append(names, name)
		}
	}
	s.mu.Unlock()
	for k := range s.c.mem.All() {
		if k.space == s.number && gone(k.name) {
			names = append(names, k.name)
		}
	}
	for _, name := range names {
		s.forget(name)
	}
}
