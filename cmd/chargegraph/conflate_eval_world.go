package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
	"chargegraph/providers/ocm"
	"chargegraph/providers/ocpi"
	"chargegraph/providers/plugshare"
	"chargegraph/providers/sandbox"
)

// worldFigures is how the whole rule did on a made-up world, read through the
// simulators by the product's own sources. They stand beside the figures of real
// pairs, never alone.
type worldFigures struct {
	Sites     int     `json:"sites"`
	Seed      uint64  `json:"seed"`
	Records   int     `json:"records"`
	POIs      int     `json:"pois"`
	MergeMS   int64   `json:"mergeMilliseconds"`
	Precision float64 `json:"precision"` // of the pairs of records in one POI
	// Recall is over sites and pairs of sources that both list what one operator
	// has there: how often some record of the one is in a POI with some record of
	// the other. A source that lists it twice can have only one of its groups
	// there, and a location that drivers see as one lists the site that it is named
	// after: it can be in one POI only.
	Recall float64 `json:"recall"`
	// GroupedRecall counts such a location for every site that has stations in it.
	GroupedRecall float64 `json:"groupedRecall"`
	// PairRecall is that over all pairs of records of two sources.
	PairRecall float64 `json:"pairRecall"`
	// AloneRecall judges each of those pairs as if only its two records existed.
	AloneRecall float64 `json:"aloneRecall"`
	BeyondR     int     `json:"beyondR"` // of the sites missed, those whose records lie too far apart
	FalseMerges float64 `json:"falseMergesPer1000"`
}

// String writes the figures for people.
func (w *worldFigures) String() string {
	return fmt.Sprintf(`the whole rule on a made-up world of %d sites (seed %d): %d records, %d POIs, merged in %d ms
  P %.4f  R %.4f   (every site of a grouped location: R %.4f; pairs of records: R %.4f, each alone %.4f); %d sites lie beyond R; %.1f false merges per 1,000 POIs`,
		w.Sites, w.Seed, w.Records, w.POIs, w.MergeMS, w.Precision, w.Recall, w.GroupedRecall, w.PairRecall, w.AloneRecall, w.BeyondR, w.FalseMerges)
}

// evaluateWorld makes a world, reads it, and compares what the rule makes of it
// with the truth.
func evaluateWorld(ctx context.Context, sites int, seed uint64) (*worldFigures, error) {
	params := sandbox.DefaultParams()
	params.Sites, params.Seed = sites, seed
	server, err := sandbox.Start(ctx, sandbox.Config{Params: params})
	if err != nil {
		return nil, err
	}
	records, err := readWorld(ctx, server)
	if closing := server.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	truth := truthOf(server, records)
	records = slices.DeleteFunc(records, func(r *providers.Record) bool { return len(truth[r.Key]) == 0 })
	w := &worldFigures{Sites: sites, Seed: seed, Records: len(records)}
	began := time.Now()
	pois := conflate.Merge(records)
	w.MergeMS, w.POIs = time.Since(began).Milliseconds(), len(pois)
	w.measure(records, pois, truth)
	return w, nil
}

// behind is the truth behind records, the site that a record is named after
// first: a location may have stations of several sites.
type behind map[providers.Key][]sandbox.Behind

func (t behind) meet(a, b providers.Key) bool {
	return slices.ContainsFunc(t[a], func(x sandbox.Behind) bool { return slices.Contains(t[b], x) })
}

func (w *worldFigures) measure(records []*providers.Record, pois []*providers.POI, truth behind) {
	poiOf := make(map[providers.Key]int, len(records))
	right, wrong, mixed := 0, 0, 0
	for i, p := range pois {
		before := wrong
		for n, r := range p.Members {
			poiOf[r.Key] = i
			for _, o := range p.Members[:n] {
				if truth.meet(r.Key, o.Key) {
					right++
				} else {
					wrong++
				}
			}
		}
		if wrong > before {
			mixed++
		}
	}
	w.Precision, _, _ = rates(right, wrong, 0)
	w.FalseMerges = 1000 * float64(mixed) / float64(max(len(pois), 1))
	w.Recall, w.BeyondR = recallOfSites(records, poiOf, func(k providers.Key) []sandbox.Behind { return truth[k][:1] })
	w.GroupedRecall, _ = recallOfSites(records, poiOf, func(k providers.Key) []sandbox.Behind { return truth[k] })
	var pairs, found, alone int
	eachPair(records, func(k providers.Key) []sandbox.Behind { return truth[k] }, func(_ sandbox.Behind, r, o *providers.Record) {
		pairs++
		if poiOf[r.Key] == poiOf[o.Key] {
			found++
		}
		if len(conflate.Merge([]*providers.Record{o, r})) == 1 {
			alone++
		}
	})
	_, w.PairRecall, _ = rates(found, 0, pairs-found)
	_, w.AloneRecall, _ = rates(alone, 0, pairs-alone)
}

// recallOfSites returns in how many of the cases that two sources both list what
// one operator has at a site they are brought together there, and how many of
// the others have no two records within R.
func recallOfSites(records []*providers.Record, poiOf map[providers.Key]int, listed func(providers.Key) []sandbox.Behind) (recall float64, beyondR int) {
	type meeting struct {
		at   sandbox.Behind
		a, b providers.SourceID
	}
	together, near := make(map[meeting]bool), make(map[meeting]bool)
	eachPair(records, listed, func(at sandbox.Behind, r, o *providers.Record) {
		m := meeting{at, o.Source.ID, r.Source.ID}
		together[m] = together[m] || poiOf[r.Key] == poiOf[o.Key]
		near[m] = near[m] || r.Location.DistanceM(o.Location) <= conflate.R
	})
	found, missed := 0, 0
	for m, ok := range together {
		switch {
		case ok:
			found++
		case !near[m]:
			beyondR++
			missed++
		default:
			missed++
		}
	}
	_, recall, _ = rates(found, 0, missed)
	return recall, beyondR
}

// eachPair calls yield for every two records of two sources behind which there
// is the same; the first is of the source with the smaller id.
func eachPair(records []*providers.Record, listed func(providers.Key) []sandbox.Behind, yield func(at sandbox.Behind, r, o *providers.Record)) {
	listing := make(map[sandbox.Behind][]*providers.Record)
	for _, r := range records {
		for _, at := range listed(r.Key) {
			listing[at] = append(listing[at], r)
		}
	}
	for at, list := range listing {
		slices.SortFunc(list, func(a, b *providers.Record) int { return cmp.Compare(a.Key, b.Key) })
		for n, r := range list {
			for _, o := range list[:n] {
				if o.Source.ID != r.Source.ID {
					yield(at, r, o)
				}
			}
		}
	}
}

// smallestDeg is how small a box is cut before a source is taken to hide something.
const smallestDeg = 0.005

// readWorld returns every record of every source over the simulators, once each.
func readWorld(ctx context.Context, server *sandbox.Server) ([]*providers.Record, error) {
	byKey := make(map[providers.Key]*providers.Record)
	add := func(records []*providers.Record) {
		for _, r := range records {
			byKey[r.Key] = r
		}
	}
	directory, err := ocm.New(ocm.Config{ID: providers.NewSourceID(providers.OCM, ""), URL: server.OCMURL(), Key: server.OCMKey(), Sandbox: true, MaxResults: 10_000})
	if err != nil {
		return nil, err
	}
	drivers, err := plugshare.New(plugshare.Config{
		ID: providers.NewSourceID(providers.PlugShare, ""), URL: server.PlugShareURL(), Key: server.PlugShareKey(), Secret: server.PlugShareSecret(),
		Sandbox: true, MaxCalls: 64,
	})
	if err != nil {
		return nil, err
	}
	cells := worldCells(server.World())
	for _, source := range []joinedSource{directory, drivers} {
		if err = readCells(ctx, source, cells, add); err != nil {
			return nil, err
		}
	}
	feed, err := ocpi.New(ocpi.Config{Name: "hub", URL: server.OCPIURL(), Token: server.OCPIToken(), Sandbox: true})
	if err != nil {
		return nil, err
	}
	if _, err = feed.Pull(ctx, time.Time{}, func(put []*providers.Record, _ []providers.Key) error {
		add(put)
		return nil
	}); err != nil {
		return nil, err
	}
	records := make([]*providers.Record, 0, len(byKey))
	for _, r := range byKey {
		records = append(records, r)
	}
	return records, nil
}

// joinedSource is a source that is asked for areas and joins rows by number.
type joinedSource interface {
	providers.Provider
	providers.Referenced
}

// readCells asks a source for boxes, and for quarters of those of which it does
// not give all.
func readCells(ctx context.Context, source joinedSource, cells []providers.Bounds, add func([]*providers.Record)) error {
	table, err := source.Reference(ctx, "")
	if err != nil {
		return err
	}
	for todo := slices.Clone(cells); len(todo) > 0; {
		cell := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		answer, failed := source.Search(ctx, providers.Query{Area: cell})
		switch {
		case failed != nil:
			return failed
		case answer.Truncated && cell.North-cell.South < smallestDeg:
			return fmt.Errorf("%s has more in %v than it gives", source.Source().ID, cell)
		case answer.Truncated:
			lat, lon := (cell.South+cell.North)/2, (cell.West+cell.East)/2
			todo = append(
				todo,
				providers.Bounds{South: cell.South, West: cell.West, North: lat, East: lon}, providers.Bounds{South: cell.South, West: lon, North: lat, East: cell.East},
				providers.Bounds{South: lat, West: cell.West, North: cell.North, East: lon}, providers.Bounds{South: lat, West: lon, North: cell.North, East: cell.East},
			)
		}
		source.Join(table, answer.Records)
		add(answer.Records)
	}
	return nil
}

// worldCells returns boxes that together hold what is known of the sites of a
// world, wherever sources mean them to be.
func worldCells(world *sandbox.World) []providers.Bounds {
	const sizeDeg, marginDeg = 0.1, 0.02
	seen := make(map[[2]float64]bool)
	var cells []providers.Bounds
	for _, s := range world.Sites() {
		corner := [2]float64{math.Floor(s.Lat / sizeDeg), math.Floor(s.Lon / sizeDeg)}
		if seen[corner] {
			continue
		}
		seen[corner] = true
		cells = append(cells, providers.Bounds{
			South: corner[0]*sizeDeg - marginDeg, North: (corner[0]+1)*sizeDeg + marginDeg,
			West: max(corner[1]*sizeDeg-marginDeg, -180), East: min((corner[1]+1)*sizeDeg+marginDeg, 180),
		})
	}
	return cells
}

func truthOf(server *sandbox.Server, records []*providers.Record) behind {
	stations, locations := server.World().BehindPlugShare(), server.OCPI().Behind()
	truth := make(behind, len(records))
	for _, r := range records {
		var of []sandbox.Behind
		add := func(b sandbox.Behind, ok bool) {
			if ok && !slices.Contains(of, b) {
				of = append(of, b)
			}
		}
		switch r.Source.Provider { //nolint:exhaustive // those that readWorld reads
		case providers.OCM:
			add(server.World().BehindOCM(r.ExternalID))
		case providers.PlugShare:
			for i := range r.Stations {
				b, ok := stations[r.Stations[i].ExternalID]
				add(b, ok)
			}
			location, _, _ := strings.Cut(r.ExternalID, "~")
			named, _ := server.World().PlugShareSite(location)
			slices.SortStableFunc(of, func(a, b sandbox.Behind) int {
				switch {
				case a.Site == b.Site:
					return 0
				case a.Site == named:
					return -1
				case b.Site == named:
					return 1
				}
				return 0
			})
		case providers.OCPI:
			b, ok := locations[strings.ToUpper(r.ExternalID)]
			add(b, ok)
		}
		truth[r.Key] = of
	}
	return truth
}
