package loaders

import (
	"sync/atomic"

	"chargegraph/providers"
)

// Stats are counts of how records became POIs since the start. What is merged
// for a question counts, also outside the area that was asked for.
type Stats struct {
	POIs uint64
	// Records counts POIs by how many records they were made of: Records[0] of
	// one, Records[1] of two, the last of as many or more.
	Records [MaxCountedRecords]uint64
}

// MaxCountedRecords is how many records of a POI Stats tells apart: one for each
// kind of provider, and two twins.
const MaxCountedRecords = 6

// Stats returns what the catalog has merged so far.
func (c *Catalog) Stats() Stats {
	var s Stats
	for i := range c.merged {
		s.Records[i] = c.merged[i].Load()
		s.POIs += s.Records[i]
	}
	return s
}

// merges counts POIs as Stats.Records does.
type merges [MaxCountedRecords]atomic.Uint64

func (m *merges) add(pois []*providers.POI) {
	var n [MaxCountedRecords]uint64
	for _, p := range pois {
		if len(p.Members) > 0 {
			n[min(len(p.Members), MaxCountedRecords)-1]++
		}
	}
	for i := range n {
		if n[i] > 0 {
			m[i].Add(n[i])
		}
	}
}
