package sandbox

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

var defaultView = sync.OnceValue(func() *ocmData { return newOCMView(defaultWorld()) })

func TestTheOCMViewHasEveryQuirk(t *testing.T) {
	t.Parallel()
	w, pois := defaultWorld(), defaultView().pois
	is := func(id *int, v int) bool { return id != nil && *id == v }
	titled := func(ok func(string) bool) func(*ocmPOI) bool {
		return func(p *ocmPOI) bool { return ok(*p.AddressInfo.Title) }
	}
	row := func(ok func(ocmConnection) bool) func(*ocmPOI) bool {
		return func(p *ocmPOI) bool { return slices.ContainsFunc(p.Connections, ok) }
	}
	comment := func(ok func(ocmComment) bool) func(*ocmPOI) bool {
		return func(p *ocmPOI) bool { return slices.ContainsFunc(p.UserComments, ok) }
	}
	media := func(ok func(ocmMedia) bool) func(*ocmPOI) bool {
		return func(p *ocmPOI) bool { return slices.ContainsFunc(p.MediaItems, ok) }
	}
	truth := func(p *ocmPOI) Site { s, _ := w.Site(p.site); return s }
	ids := make(map[int]int)
	spots := make(map[ocmPoint]map[int]bool)
	for _, p := range pois {
		ids[p.ID]++
		if p.OperatorID != nil {
			if spots[p.point()] == nil {
				spots[p.point()] = make(map[int]bool)
			}
			spots[p.point()][*p.OperatorID] = true
		}
	}
	isTwin := func(p *ocmPOI) bool { return (p.ID-ocmIDBase)%ocmIDsPerSite == ocmTwinSlot }
	countryOf := func(p *ocmPOI) string { return *p.AddressInfo.Country.ISOCode }

	for name, has := range map[string]func(*ocmPOI) bool{
		"twin":                       isTwin,
		"twin marked by an editor":   func(p *ocmPOI) bool { return isTwin(p) && is(p.StatusTypeID, 210) },
		"twin delisted":              func(p *ocmPOI) bool { return isTwin(p) && is(p.SubmissionStatusTypeID, 1001) },
		"two operators at one spot":  func(p *ocmPOI) bool { return len(spots[p.point()]) > 1 && p.Latitude() != 0 },
		"same id twice":              func(p *ocmPOI) bool { return ids[p.ID] > 1 },
		"removed":                    func(p *ocmPOI) bool { return is(p.StatusTypeID, 200) },
		"planned":                    func(p *ocmPOI) bool { return is(p.StatusTypeID, 150) && p.DatePlanned != nil },
		"closed but listed":          func(p *ocmPOI) bool { return truth(p).Lifecycle == Closed && !is(p.StatusTypeID, 200) },
		"delisted":                   func(p *ocmPOI) bool { return is(p.SubmissionStatusTypeID, 1000) },
		"not public":                 func(p *ocmPOI) bool { return is(p.SubmissionStatusTypeID, 1010) },
		"under review":               func(p *ocmPOI) bool { return is(p.SubmissionStatusTypeID, 1) },
		"edited import":              func(p *ocmPOI) bool { return p.ParentChargePointID != nil && is(p.DataProviderID, 1) },
		"superseded":                 func(p *ocmPOI) bool { return is(p.SubmissionStatusTypeID, 1005) },
		"at 0,0":                     func(p *ocmPOI) bool { return p.Latitude() == 0 && p.AddressInfo.Longitude == 0 },
		"wrong country":              func(p *ocmPOI) bool { return countryOf(p) != truth(p).Address.Country },
		"status null":                func(p *ocmPOI) bool { return p.StatusTypeID == nil },
		"status 0":                   func(p *ocmPOI) bool { return is(p.StatusTypeID, 0) },
		"usage null":                 func(p *ocmPOI) bool { return p.UsageTypeID == nil },
		"usage 0":                    func(p *ocmPOI) bool { return is(p.UsageTypeID, 0) },
		"operator null":              func(p *ocmPOI) bool { return p.OperatorID == nil },
		"operator 1":                 func(p *ocmPOI) bool { return is(p.OperatorID, 1) },
		"operator is owner":          func(p *ocmPOI) bool { return is(p.OperatorID, 45) },
		"operator is a person":       func(p *ocmPOI) bool { return is(p.OperatorID, 44) },
		"operator is a dead brand":   func(p *ocmPOI) bool { return p.OperatorID != nil && *p.OperatorID >= ocmFirstStaleID },
		"provider not open":          func(p *ocmPOI) bool { return p.DataProvider.IsOpenDataLicensed == nil },
		"provider closed":            func(p *ocmPOI) bool { o := p.DataProvider.IsOpenDataLicensed; return o != nil && !*o },
		"provider open, non-commerc": func(p *ocmPOI) bool { return is(p.DataProviderID, ocmFirstProviderID+3) },
		"title with blanks":          titled(func(s string) bool { return strings.TrimSpace(s) != s }),
		"title in capitals":          titled(func(s string) bool { return strings.ToUpper(s) == s && strings.ToLower(s) != s }),
		"title with markup":          titled(func(s string) bool { return strings.Contains(s, "<b>") }),
		"title not ASCII":            titled(func(s string) bool { return strings.ContainsAny(s, "通前り") }),
		"address with CR LF":         func(p *ocmPOI) bool { return strings.Contains(*p.AddressInfo.AddressLine1, "\r\n") },
		"notes with a script": func(p *ocmPOI) bool {
			return p.GeneralComments != nil && strings.Contains(*p.GeneralComments, "<script>")
		},
		"no region":   func(p *ocmPOI) bool { return p.AddressInfo.StateOrProvince == nil },
		"no postcode": func(p *ocmPOI) bool { return p.AddressInfo.Postcode == nil },
		"link to a script": func(p *ocmPOI) bool {
			return p.AddressInfo.RelatedURL != nil && strings.Contains(*p.AddressInfo.RelatedURL, "javascript:")
		},
		"link was a bare host": func(p *ocmPOI) bool {
			return p.AddressInfo.RelatedURL != nil && strings.HasPrefix(*p.AddressInfo.RelatedURL, "http://www.")
		},
		"cost null":              func(p *ocmPOI) bool { return p.UsageCost == nil },
		"cost empty":             func(p *ocmPOI) bool { return p.UsageCost != nil && *p.UsageCost == "" },
		"points null":            func(p *ocmPOI) bool { return p.NumberOfPoints == nil },
		"attribution text":       func(p *ocmPOI) bool { return len(p.MetadataValues) > 0 && p.MetadataValues[0].MetadataFieldID == 4 },
		"no connections":         func(p *ocmPOI) bool { return p.Connections != nil && len(p.Connections) == 0 },
		"type 0":                 row(func(c ocmConnection) bool { return is(c.ConnectionTypeID, 0) }),
		"quantity null":          row(func(c ocmConnection) bool { return c.Quantity == nil }),
		"quantity 0":             row(func(c ocmConnection) bool { return is(c.Quantity, 0) }),
		"power null":             row(func(c ocmConnection) bool { return c.PowerKW == nil }),
		"amps null":              row(func(c ocmConnection) bool { return c.Amps == nil }),
		"current null":           row(func(c ocmConnection) bool { return c.CurrentTypeID == nil }),
		"level null":             row(func(c ocmConnection) bool { return c.LevelID == nil }),
		"status of row null":     row(func(c ocmConnection) bool { return c.StatusTypeID == nil }),
		"EVSE id in a row":       row(func(c ocmConnection) bool { return c.Reference != nil }),
		"DC on Type 2":           row(func(c ocmConnection) bool { return is(c.ConnectionTypeID, 30) }),
		"equal rows":             hasEqualRows,
		"comment without text":   comment(func(c ocmComment) bool { return c.Comment == nil }),
		"comment with markup":    comment(func(c ocmComment) bool { return c.Comment != nil && strings.Contains(*c.Comment, "<img") }),
		"comment without rating": comment(func(c ocmComment) bool { return c.Rating == nil }),
		"comment without user":   comment(func(c ocmComment) bool { return c.User == nil && c.UserName != nil }),
		"comment without name":   comment(func(c ocmComment) bool { return c.UserName == nil }),
		"comment without status": comment(func(c ocmComment) bool { return c.CheckinStatusTypeID == nil }),
		"rating contradicts":     comment(func(c ocmComment) bool { return is(c.CheckinStatusTypeID, 10) && (is(c.Rating, 1) || is(c.Rating, 2)) }),
		"rating outside 1..5":    comment(func(c ocmComment) bool { return c.Rating != nil && (*c.Rating < 1 || *c.Rating > 5) }),
		"comment with a link":    comment(func(c ocmComment) bool { return c.RelatedURL != nil }),
		"fault report":           comment(func(c ocmComment) bool { return is(c.CommentTypeID, 1000) }),
		"date without zone":      comment(func(c ocmComment) bool { return !strings.HasSuffix(c.DateCreated.text, "Z") }),
		"photo disabled":         media(func(m ocmMedia) bool { return !m.IsEnabled }),
		"photo is a video":       media(func(m ocmMedia) bool { return m.IsVideo }),
		"photo elsewhere":        media(func(m ocmMedia) bool { return m.IsExternalResource && m.ItemThumbnailURL == nil }),
		"photo without user":     media(func(m ocmMedia) bool { return m.User == nil }),
		"photo on the old host":  media(func(m ocmMedia) bool { return strings.Contains(*m.ItemURL, "amazonaws") }),
	} {
		n := 0
		for _, p := range pois {
			if has(p) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("no record with quirk %q", name)
		}
	}
}

// Latitude shortens the table above.
func (p *ocmPOI) Latitude() float64 { return p.AddressInfo.Latitude }

func hasEqualRows(p *ocmPOI) bool {
	if len(p.Connections) < 2 {
		return false
	}
	encoder := newOCMEncoder()
	seen := make(map[string]bool)
	for _, c := range p.Connections {
		c.ID = 0
		row := string(encoder.append(nil, &c, ocmShape{compact: true}))
		if seen[row] {
			return true
		}
		seen[row] = true
	}
	return false
}

func TestQuirksOccurAsOftenAsTheParamsSay(t *testing.T) {
	t.Parallel()
	w, pois := defaultWorld(), defaultView().pois
	n := w.Params().OCM
	count := func(ok func(*ocmPOI) bool) float64 {
		c := 0.0
		for _, p := range pois {
			if ok(p) {
				c++
			}
		}
		return c / float64(len(pois))
	}
	listed := make(map[SiteID]bool)
	for _, p := range pois {
		listed[p.site] = true
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"unlisted":       {1 - float64(len(listed))/float64(len(w.Sites())), n.Unlisted},
		"operator null":  {count(func(p *ocmPOI) bool { return p.OperatorID == nil }), n.OperatorNull},
		"usage null":     {count(func(p *ocmPOI) bool { return p.UsageTypeID == nil }), n.UsageNull},
		"cost null":      {count(func(p *ocmPOI) bool { return p.UsageCost == nil }), n.CostNull},
		"points null":    {count(func(p *ocmPOI) bool { return p.NumberOfPoints == nil }), n.PointsNull},
		"no connections": {count(func(p *ocmPOI) bool { return len(p.Connections) == 0 }), n.NoConnections},
	} {
		if c.got < c.want*0.8 || c.got > c.want*1.2 {
			t.Errorf("%s: %.3f of the records, want about %.3f", name, c.got, c.want)
		}
	}
}

func TestTwinsStandWithinAHundredMetresAndShareTheNotesBetweenThem(t *testing.T) {
	t.Parallel()
	first := make(map[SiteID]*ocmPOI)
	for _, p := range defaultView().pois {
		switch (p.ID - ocmIDBase) % ocmIDsPerSite {
		case 0:
			first[p.site] = p
		case ocmTwinSlot:
			one := first[p.site]
			if m := 1000 * haversine(one.point(), p.point(), earthKM); m > 100 || m < 1 {
				t.Errorf("twins %d and %d are %.0f m apart", one.ID, p.ID, m)
			}
			if *one.DataProviderID == *p.DataProviderID {
				t.Errorf("twins %d and %d have one provider", one.ID, p.ID)
			}
			for _, a := range one.UserComments {
				for _, b := range p.UserComments {
					if a.DateCreated.at.Equal(b.DateCreated.at) {
						t.Errorf("twins %d and %d share a comment", one.ID, p.ID)
					}
				}
			}
		}
	}
}

func TestAViewWithoutNoiseTellsTheTruth(t *testing.T) {
	t.Parallel()
	p := smallParams(300)
	p.OCM = OCMNoise{ReviewKnown: 1, PhotoKnown: 1}
	p.Truth.SecondOperator = 0
	w := NewWorld(p)
	pois := newOCMView(w).pois
	if len(pois) != 300 {
		t.Fatalf("%d records of 300 sites", len(pois))
	}
	for _, p := range pois {
		s, _ := w.Site(p.site)
		if haversine(p.point(), ocmPoint{s.Lat, s.Lon}, earthKM) > 0.001 {
			t.Errorf("site %d is at %v, want %v,%v", s.ID, p.point(), s.Lat, s.Lon)
		}
		if len(p.UserComments) != len(s.Reviews) || len(p.MediaItems) != len(s.Photos) {
			t.Errorf("site %d: %d comments of %d, %d photos of %d", s.ID, len(p.UserComments), len(s.Reviews), len(p.MediaItems), len(s.Photos))
		}
		plugs, quantity := 0, 0
		for _, st := range s.Stations {
			for _, e := range st.EVSEs {
				plugs += len(e.Plugs)
			}
		}
		for _, c := range p.Connections {
			quantity += *c.Quantity
		}
		if plugs != quantity {
			t.Errorf("site %d has %d plugs, the record %d", s.ID, plugs, quantity)
		}
	}
}

func BenchmarkNewOCMView(b *testing.B) {
	for b.Loop() {
		newOCMView(defaultWorld())
	}
}
