package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// WriteOCPIFeed writes n made-up Dutch locations of OCPI 2.2.1 as a bare array,
// all at one moment, with the usual noise: the size and shape of a national
// feed. 80,000 of them are about 250 MB. Equal seeds write equal bytes, and a
// shorter feed is the beginning of a longer one. It keeps nothing in memory,
// and returns the first error of w, or one when n is negative.
func WriteOCPIFeed(w io.Writer, n int, seed uint64) error {
	if n < 0 {
		return fmt.Errorf("sandbox: WriteOCPIFeed: n is %d, want 0 or more", n)
	}
	p := DefaultParams()
	p.Seed, p.Sites, p.Motorways = seed, 0, nil
	p.Truth.ReviewsMean, p.Truth.PhotosMean = 0, 0 // no feed tells of them
	p.Cities = feedCities()
	world, err := newWorld(p)
	if err != nil {
		return err
	}
	g, v := newGenerator(p, world.operators), newOCPIViewer(world)
	out := bufio.NewWriterSize(w, 1<<20)
	_ = out.WriteByte('[') // a failed writer fails again at the end
	var b []byte
	written := 0
	for id := SiteID(1); written < n; id++ {
		s := g.site(id)
		for _, l := range v.site(&s) {
			if written == n || !l.present(p.Epoch, ocpi221) {
				continue
			}
			if written > 0 {
				_, _ = out.WriteString(",\n")
			}
			b = l.append(b[:0], world, p.Epoch.Add(time.Duration(written%60)*time.Second), ocpiShape{version: ocpi221})
			if _, err := out.Write(b); err != nil {
				return fmt.Errorf("sandbox: write OCPI feed: %w", err)
			}
			written++
		}
	}
	_ = out.WriteByte(']')
	if err := out.Flush(); err != nil {
		return fmt.Errorf("sandbox: write OCPI feed: %w", err)
	}
	return nil
}

// feedCities spreads a feed over the Netherlands.
func feedCities() []City {
	city := func(key, town, region, code string, lat, lon, weight float64) City {
		return City{Key: key, Town: town, Region: region, RegionCode: code, Country: "NL", TimeZone: "Europe/Amsterdam", Lat: lat, Lon: lon, RadiusKM: 40, Postcode: "#### @@", Weight: weight}
	}
	return []City{
		city("amsterdam", "Amsterdam", "Noord-Holland", "NH", 52.3731, 4.8926, 9),
		city("rotterdam", "Rotterdam", "Zuid-Holland", "ZH", 51.9225, 4.4792, 9),
		city("utrecht", "Utrecht", "Utrecht", "UT", 52.0907, 5.1214, 6),
		city("eindhoven", "Eindhoven", "Noord-Brabant", "NB", 51.4416, 5.4697, 5),
		city("arnhem", "Arnhem", "Gelderland", "GE", 51.9851, 5.8987, 4),
		city("zwolle", "Zwolle", "Overijssel", "OV", 52.5168, 6.083, 3),
		city("groningen", "Groningen", "Groningen", "GR", 53.2194, 6.5665, 2),
		city("heerlen", "Heerlen", "Limburg", "LI", 50.8882, 5.9795, 2),
	}
}
