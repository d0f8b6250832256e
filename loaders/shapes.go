package loaders

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// readArea answers a question about an area of any kind by its own shape: from
// tiles where memory has all that cover it, else by one call that is kept under
// the shape. small says that it is the surroundings of single sites.
func (s *shelf) readArea(ctx context.Context, query providers.Query, t terms, small bool) *reading {
	large := s.isLarge(query.Area)
	if !large {
		if r, ok := s.heldTiles(query.Area.Cover(), t); ok {
			return r
		}
		query.Filter = nil // all of it can be had, and is for every filter
	}
	a := s.policy.shape
	if large {
		a = s.policy.country
	}
	query.Area = normalised(query.Area, small)
	key := s.areaKey(query)
	r := newReading()
	found := s.areas.Load(ctx, t.want(s, key), func(ctx context.Context, _ []cache.Key) (map[cache.Key]cache.Fetched[*batch], error) {
		answer, err := s.call(ctx, t.timeout, func(ctx context.Context) (providers.Answer, error) { return s.provider.Search(ctx, query) })
		if err != nil {
			return nil, err
		}
		b := s.batchOf(&answer, answer.Records)
		old := held(s.areas, key)
		if !large && s.isDoubtful(old, b) {
			return map[cache.Key]cache.Fetched[*batch]{key: s.doubt(ctx, old, b, a)}, nil
		}
		kept := s.keep(ctx, b, &answer, old, a, s.tag("area", key))
		if large && answer.Partial && (answer.Err == nil || answer.Err.Code == providers.CodeAreaTooLarge) {
			// This is all that there is to be had, and not to be asked for again soon.
			kept.Soft, kept.Hard, kept.ProcessOnly = a.soft, a.hard, s.policy.processOnly
		}
		return map[cache.Key]cache.Fetched[*batch]{key: kept}, nil
	})[0]
	switch {
	case found.OK:
		s.take(r, s.tag("area", key), found.Entry, found.State, sourceError(found.Err), &t)
		r.records = found.Value.records
		return r
	case found.Err != nil:
		return failedReading(providers.AsSourceError(found.Err), s.catalog.now())
	}
	return failedReading(providers.AsSourceError(errNothing), s.catalog.now())
}

// isDoubtful reports whether an answer about an area tells of far fewer sites
// than are known there, for the first time.
func (s *shelf) isDoubtful(old *entry, b *batch) bool {
	if old == nil || old.Value.truncated || old.Value.partial || b.truncated {
		return false
	}
	k := knowledge{tiles: []entry{*old}}
	return isSuspect(len(old.Value.records), len(b.records)) && !k.confirmed(s.catalog.now())
}

// isLarge reports whether an area is more than the source tells of at once. Then
// one call is due to it, whose answer is a part.
func (s *shelf) isLarge(area providers.Area) bool {
	km2 := 0.0
	switch a := area.(type) {
	case providers.InCountry:
		return true
	case providers.Around:
		km2 = math.Pi * a.RadiusM * a.RadiusM / 1e6
	case *providers.Route:
		km2 = (a.LengthM() + 2*a.DistanceM()) / 1000 * 2 * a.DistanceM() / 1000
	default:
		for _, b := range area.Cover() {
			km2 += b.AreaKM2()
		}
	}
	return km2 > s.policy.maxKM2
}

// normalised returns an area that holds all of area and is the same for areas
// that differ by less than matters: a step of a finger, or the decimals of a
// degree that a client computed.
func normalised(area providers.Area, small bool) providers.Area {
	switch a := area.(type) {
	case providers.Around:
		const deg, m = 1e-6, 1.0 // 0.11 m
		return providers.Around{
			Center:  providers.Point{Lat: rounded(a.Center.Lat, deg, math.Round), Lon: rounded(a.Center.Lon, deg, math.Round)},
			RadiusM: math.Ceil(a.RadiusM + 0.2*m),
		}
	case providers.Bounds:
		// The surroundings of twins are the same ones; a box that a client drew is
		// asked for as it is.
		deg := 1e-6
		if small {
			deg = 1e-3
		}
		b := providers.Bounds{
			South: max(rounded(a.South, deg, math.Floor), -90), North: min(rounded(a.North, deg, math.Ceil), 90),
			West: max(rounded(a.West, deg, math.Floor), -180), East: min(rounded(a.East, deg, math.Ceil), 180),
		}
		if b.WidthDeg() < a.WidthDeg() { // the edges met on the far side of the Earth
			b.West, b.East = -180, 180
		}
		return b
	case providers.InCountry:
		return providers.InCountry{Code: a.Code, MarginM: math.Ceil(a.MarginM)}
	}
	return area
}

// rounded rounds v to a multiple of 1/n, where step is 1/n: a quotient of two
// whole numbers is the same wherever it is computed.
func rounded(v, step float64, round func(float64) float64) float64 {
	n := math.Round(1 / step)
	return round(v*n) / n
}

// areaKey returns the key of a question by shape: two questions have one key
// exactly when they are asked alike.
func (s *shelf) areaKey(q providers.Query) cache.Key {
	h := sha256.New()
	number := func(v float64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v+0)) // +0: no negative zero
		h.Write(b[:])
	}
	points := func(list []providers.Point) {
		for _, p := range list {
			number(p.Lat)
			number(p.Lon)
		}
	}
	kind := "box"
	switch a := q.Area.(type) {
	case providers.Around:
		kind = "disc"
		points([]providers.Point{a.Center})
		number(a.RadiusM)
	case *providers.Route:
		kind = "route"
		points(a.Points())
		number(a.DistanceM())
	case *providers.Polygon:
		kind = "polygon"
		points(a.Ring())
		number(a.MarginM())
	case providers.InCountry:
		kind = "country"
		h.Write([]byte(a.Code + "/"))
		number(a.MarginM)
	default:
		for _, b := range q.Area.Cover() {
			points([]providers.Point{{Lat: b.South, Lon: b.West}, {Lat: b.North, Lon: b.East}})
		}
	}
	if q.Filter != nil {
		text, err := json.Marshal(q.Filter, json.OmitZeroStructFields(true))
		if err != nil { // a number that is none: such a filter matches nothing, but it is not the same as no filter
			text = fmt.Append(nil, err)
		}
		h.Write(text)
	}
	sum := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
	return cache.Key{Name: string(s.source.ID) + "/" + kind + "/" + sum}
}
