package checkins

import (
	"sync"
	"time"

	"chargegraph/providers"
)

// Change is an entry that was put or updated.
type Change struct {
	Entry *Entry
	New   bool // this process hears of it for the first time
}

// feed holds what is to be shown at sites, and passes on what changes.
type feed struct {
	showFor time.Duration
	clock   func() time.Time
	notify  func(Change) // may be nil

	mu       sync.Mutex
	shown    map[string]*Entry                          // by id
	bySite   map[providers.Key]map[string]*Entry        // by member, then id
	watching map[string]map[*subscription[*Entry]]int64 // by id; the version that was handed out last
	all      map[*subscription[Change]]struct{}
	// gone holds the versions of entries that were seen and are not shown, for
	// one sweep or two: what is overtaken must not bring them back.
	gone, goneBefore map[string]int64
}

func newFeed(showFor time.Duration, clock func() time.Time, notify func(Change)) *feed {
	return &feed{
		showFor: showFor, clock: clock, notify: notify,
		shown: map[string]*Entry{}, bySite: map[providers.Key]map[string]*Entry{},
		watching: map[string]map[*subscription[*Entry]]int64{}, all: map[*subscription[Change]]struct{}{},
		gone: map[string]int64{}, goneBefore: map[string]int64{},
	}
}

// subscription is a channel that is closed when its reader does not keep up.
type subscription[T any] struct{ c chan T }

// maxBehind is how many changes a subscriber may be behind before it is cut off:
// one that reads at all is not for long.
const maxBehind = 64

// offer hands v over; false: the reader was cut off.
func (s *subscription[T]) offer(v T) bool {
	select {
	case s.c <- v:
		return true
	default:
		close(s.c)
		return false
	}
}

// apply takes note of a change and tells of it. Versions may come in any order
// and more than once: an older one is passed over.
func (f *feed) apply(e *Entry) { f.note(e, true) }

// restore takes note of an entry that was read, and tells only those who watch it.
func (f *feed) restore(e *Entry) { f.note(e, false) }

func (f *feed) note(e *Entry, tell bool) {
	f.mu.Lock()
	old := f.shown[e.ID]
	if old != nil && old.Version >= e.Version || max(f.gone[e.ID], f.goneBefore[e.ID]) >= e.Version {
		f.mu.Unlock()
		return
	}
	if old != nil {
		f.remove(old)
	}
	if until, shown := e.shownUntil(f.showFor); shown && (until.IsZero() || until.After(f.clock())) {
		f.add(e)
		delete(f.gone, e.ID)
		delete(f.goneBefore, e.ID)
	} else if tell {
		f.gone[e.ID] = e.Version
	}
	change := Change{Entry: e, New: old == nil && e.Version == 1}
	f.mu.Unlock()
	if tell && f.notify != nil {
		f.notify(change) // before anyone hears of it and comes to look
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for sub, version := range f.watching[e.ID] {
		if version >= e.Version {
			continue
		}
		f.watching[e.ID][sub] = e.Version
		if !sub.offer(e) {
			f.unwatch(e.ID, sub)
		}
	}
	if !tell {
		return
	}
	for sub := range f.all {
		if !sub.offer(change) {
			delete(f.all, sub)
		}
	}
}

func (f *feed) add(e *Entry) {
	f.shown[e.ID] = e
	for _, m := range e.Members {
		if f.bySite[m] == nil {
			f.bySite[m] = map[string]*Entry{}
		}
		f.bySite[m][e.ID] = e
	}
}

func (f *feed) remove(e *Entry) {
	delete(f.shown, e.ID)
	for _, m := range e.Members {
		if delete(f.bySite[m], e.ID); len(f.bySite[m]) == 0 {
			delete(f.bySite, m)
		}
	}
}

// unwatch forgets a subscriber of one entry.
func (f *feed) unwatch(id string, sub *subscription[*Entry]) {
	if delete(f.watching[id], sub); len(f.watching[id]) == 0 {
		delete(f.watching, id)
	}
}

// at returns what is shown at the site with these members, newest first.
func (f *feed) at(members []providers.Key) []*Entry {
	now := f.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*Entry
	for _, m := range members {
		for _, e := range f.bySite[m] {
			if until, _ := e.shownUntil(f.showFor); until.IsZero() || until.After(now) {
				found = append(found, e)
			}
		}
	}
	return newestFirst(found)
}

// sweep lets go of what is not shown any more.
func (f *feed) sweep() {
	now := f.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.shown {
		if until, shown := e.shownUntil(f.showFor); !shown || !until.IsZero() && !until.After(now) {
			f.remove(e)
		}
	}
	f.gone, f.goneBefore = map[string]int64{}, f.gone
}

// watch subscribes to an entry; stop ends it. The first that the channel gives
// is what current returns, which is asked for after nothing can be missed.
func (f *feed) watch(id string, current func() (*Entry, error)) (c <-chan *Entry, stop func(), err error) {
	sub := &subscription[*Entry]{c: make(chan *Entry, maxBehind)}
	f.mu.Lock()
	if f.watching[id] == nil {
		f.watching[id] = map[*subscription[*Entry]]int64{}
	}
	f.watching[id][sub] = 0
	f.mu.Unlock()
	stop = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, live := f.watching[id][sub]; live {
			f.unwatch(id, sub)
			close(sub.c)
		}
	}
	e, err := current()
	if err != nil {
		stop()
		return nil, nil, err
	}
	f.mu.Lock()
	if version, live := f.watching[id][sub]; live && version < e.Version {
		f.watching[id][sub] = e.Version
		if !sub.offer(e) {
			f.unwatch(id, sub)
		}
	}
	f.mu.Unlock()
	return sub.c, stop, nil
}

// watchAll subscribes to every change; stop ends it.
func (f *feed) watchAll() (c <-chan Change, stop func()) {
	sub := &subscription[Change]{c: make(chan Change, maxBehind*4)} // of everything there is more
	f.mu.Lock()
	f.all[sub] = struct{}{}
	f.mu.Unlock()
	return sub.c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, live := f.all[sub]; live {
			delete(f.all, sub)
			close(sub.c)
		}
	}
}
