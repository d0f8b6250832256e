package conflate

import (
	"sync"
	"weak"

	"chargegraph/providers"
)

// remembered is of how many records a Memory holds the facts at least: of what a
// few maps of large cities show. It holds those of twice as many at most, some 15 MB.
const remembered = 8192

// Memory remembers what was worked out of single records, for whoever merges the
// same records again and again: most of what a map shows when it is panned was on
// it before. It keeps no record alive. The zero value is ready; it is safe for
// concurrent use, and nil is one that remembers nothing.
type Memory struct {
	mu sync.RWMutex
	// Facts that are asked for move from old to young; when young is full, what is
	// left in old was not asked for in a while.
	young, old map[weak.Pointer[providers.Record]]*facts
}

// facts returns what is remembered of r, and otherwise what work returns. It is
// shared, and has neither record nor operator.
func (m *Memory) facts(r *providers.Record, work func() *facts) *facts {
	key := weak.Make(r)
	m.mu.RLock()
	f, known := m.young[key]
	older := m.old[key]
	m.mu.RUnlock()
	switch {
	case known:
		return f
	case older != nil:
		f = older
	default:
		f = work()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= remembered {
		m.young, m.old = make(map[weak.Pointer[providers.Record]]*facts), m.young
	}
	m.young[key] = f
	return f
}
