package resolvers

import (
	"context"
	"errors"

	polyline "github.com/twpayne/go-polyline"

	"chargegraph/graph"
	"chargegraph/providers"
)

// The limits of areas. They bound what one question may cost; semantics and
// upstreams would bear more.
const (
	maxRadiusM         = 500_000
	maxRoutePoints     = 10_000
	maxRouteM          = 3_000_000
	maxRouteDistanceM  = 50_000
	minPolygonCorners  = 3
	maxPolygonCorners  = 1_000
	maxEncodedBytes    = 64 << 10
	maxPolylineDecimal = 7
)

// readArea checks an area.
func readArea(ctx context.Context, at argument, in graph.AreaInput) (providers.Area, error) {
	if err := checkOneOf(ctx, at, "around, bounds, polygon, route and country"); err != nil {
		return nil, err
	}
	switch {
	case in.Around != nil:
		at = at.in("around")
		if err := checkPoint(ctx, at.in("center"), in.Around.Center); err != nil {
			return nil, err
		}
		if !(in.Around.RadiusM > 0 && in.Around.RadiusM <= maxRadiusM) {
			return nil, at.in("radiusMeters").refuse(ctx, "must be above 0 and at most %d metres", maxRadiusM)
		}
		return *in.Around, nil
	case in.Bounds != nil:
		return readBounds(ctx, at.in("bounds"), *in.Bounds)
	case in.Polygon != nil:
		return readPolygon(ctx, at.in("polygon"), in.Polygon)
	case in.Route != nil:
		return readRoute(ctx, at.in("route"), in.Route)
	}
	if len(*in.Country) != 2 {
		return nil, at.in("country").refuse(ctx, "must be a two-letter country code of ISO 3166-1, for example GB")
	}
	return providers.InCountry{Code: *in.Country}, nil
}

func readBounds(ctx context.Context, at argument, b providers.Bounds) (providers.Area, error) {
	if !b.Valid() {
		return nil, at.refuse(ctx, "south and north must be between -90 and 90 with south not above north, west and east between -180 and 180; west above east crosses the antimeridian")
	}
	return b, nil
}

func checkPoint(ctx context.Context, at argument, p providers.Point) error {
	if !p.Valid() {
		return at.refuse(ctx, "latitude must be between -90 and 90, longitude between -180 and 180")
	}
	return nil
}

func readPolygon(ctx context.Context, at argument, in *graph.PolygonInput) (providers.Area, error) {
	points, err := readLine(ctx, at, in.Encoded, in.Points, in.Precision)
	if err != nil {
		return nil, err
	}
	corners := len(points)
	if corners > 1 && points[0] == points[corners-1] {
		corners--
	}
	if corners < minPolygonCorners || corners > maxPolygonCorners {
		return nil, at.refuse(ctx, "a polygon needs %d to %d corners; this has %d", minPolygonCorners, maxPolygonCorners, corners)
	}
	polygon := providers.NewPolygon(points)
	if err := polygon.Check(); err != nil {
		return nil, at.refuse(ctx, "%v", err)
	}
	return polygon, nil
}

func readRoute(ctx context.Context, at argument, in *graph.RouteInput) (providers.Area, error) {
	points, err := readLine(ctx, at, in.Encoded, in.Points, in.Precision)
	if err != nil {
		return nil, err
	}
	if len(points) < 2 || len(points) > maxRoutePoints {
		return nil, at.refuse(ctx, "a route needs 2 to %d points; this has %d", maxRoutePoints, len(points))
	}
	if !(in.DistanceMeters > 0 && in.DistanceMeters <= maxRouteDistanceM) {
		return nil, at.in("distanceMeters").refuse(ctx, "must be above 0 and at most %d metres", maxRouteDistanceM)
	}
	// Its length bounds the work of preparing it, so it is checked first.
	length := 0.0
	for i := 1; i < len(points); i++ {
		length += points[i-1].DistanceM(points[i])
	}
	if length > maxRouteM {
		return nil, at.refuse(ctx, "a route may be at most %d km long; this is %.0f km", maxRouteM/1000, length/1000)
	}
	return providers.NewRoute(points, in.DistanceMeters), nil
}

// readLine reads the points of a polygon or a route, which come either as a list
// or as an encoded polyline.
func readLine(ctx context.Context, at argument, encoded *string, points []*providers.Point, precision *int) ([]providers.Point, error) {
	if (encoded == nil) == (points == nil) {
		return nil, at.refuse(ctx, "give exactly one of encoded and points")
	}
	if points != nil {
		if len(points) > maxRoutePoints {
			return nil, at.in("points").refuse(ctx, "at most %d points; this has %d", maxRoutePoints, len(points))
		}
		line := make([]providers.Point, len(points))
		for i, p := range points {
			if err := checkPoint(ctx, at.in("points").in(i), *p); err != nil {
				return nil, err
			}
			line[i] = *p
		}
		return line, nil
	}
	decimals := 5
	if precision != nil {
		decimals = *precision
	}
	if decimals < 1 || decimals > maxPolylineDecimal {
		return nil, at.in("precision").refuse(ctx, "must be between 1 and %d; Google's polylines have 5, some routers' 6", maxPolylineDecimal)
	}
	at = at.in("encoded")
	if len(*encoded) > maxEncodedBytes {
		return nil, at.refuse(ctx, "at most %d bytes; this has %d: simplify the line", maxEncodedBytes, len(*encoded))
	}
	line, err := decodePolyline(*encoded, decimals)
	if err != nil {
		return nil, at.refuse(ctx, "%v", err)
	}
	return line, nil
}

// decodePolyline reads a polyline encoded with so many decimals. A line that was
// encoded with more decimals than it is read with leaves the Earth, and that is
// how the mistake is noticed.
func decodePolyline(encoded string, decimals int) ([]providers.Point, error) {
	scale := 1.0
	for range decimals {
		scale *= 10
	}
	// DecodeCoords would add up fractions, and their errors: a corner at a site's
	// very position would come to lie beside it.
	coords, rest, err := polyline.Codec{Dim: 2, Scale: scale}.DecodeFlatCoords(nil, []byte(encoded))
	if err != nil || len(rest) > 0 {
		return nil, errors.New("not an encoded polyline: it ends in the middle or holds characters that none has")
	}
	if len(coords)/2 > maxRoutePoints {
		return nil, errors.New("too many points: simplify the line")
	}
	line := make([]providers.Point, len(coords)/2)
	for i := range line {
		line[i] = providers.Point{Lat: coords[2*i], Lon: coords[2*i+1]}
		if !line[i].Valid() {
			return nil, errors.New("the line leaves the Earth: check precision, which is 5 for Google's polylines and 6 for some routers'")
		}
	}
	return line, nil
}
