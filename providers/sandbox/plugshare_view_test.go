package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlugShareIsPartialInItsOwnWay(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	ocm, ps := make(map[SiteID]bool), make(map[SiteID]bool)
	for _, p := range defaultView().pois {
		ocm[p.site] = true
	}
	for _, l := range defaultPSView().locations {
		for _, s := range l.sites {
			ps[s.ID] = true
		}
	}
	both, onlyOCM, onlyPS, neither := 0, 0, 0, 0
	for _, s := range w.Sites() {
		switch {
		case ocm[s.ID] && ps[s.ID]:
			both++
		case ocm[s.ID]:
			onlyOCM++
		case ps[s.ID]:
			onlyPS++
		default:
			neither++
		}
	}
	if both < 3000 || onlyOCM < 500 || onlyPS < 200 || neither < 50 {
		t.Errorf("both know %d sites, Open Charge Map alone %d, PlugShare alone %d, nobody %d", both, onlyOCM, onlyPS, neither)
	}
}

func TestAViewOfPlugShareDependsOnParamsAlone(t *testing.T) {
	t.Parallel()
	text := func(v *psView) string {
		b, err := json.Marshal(v.locations)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if a, b := text(newPSView(NewWorld(smallParams(300)))), text(newPSView(NewWorld(smallParams(300)))); a != b {
		t.Error("equal worlds have different views")
	}
	quiet := smallParams(300)
	quiet.PlugShare.NameCapitals = 1
	a, b := newOCMView(NewWorld(quiet)), newOCMView(NewWorld(smallParams(300)))
	encoder := newOCMEncoder()
	if string(encoder.append(nil, a.pois, ocmShape{verbose: true})) != string(encoder.append(nil, b.pois, ocmShape{verbose: true})) {
		t.Error("PlugShare's noise changes what Open Charge Map knows")
	}
}

func TestALargerWorldKeepsTheLocationsOfTheSmallerOne(t *testing.T) {
	t.Parallel()
	byID := make(map[int]*psLocation)
	for _, l := range defaultPSView().locations {
		byID[l.ID] = l
	}
	for _, small := range newPSView(NewWorld(smallParams(2_000))).locations {
		large := byID[small.ID]
		switch {
		case large == nil:
			t.Fatalf("location %d is gone", small.ID)
		case large.Name != small.Name, large.Latitude != small.Latitude, large.Address != small.Address, large.secret != small.secret:
			t.Errorf("location %d changed", small.ID)
		case len(large.Stations) < len(small.Stations):
			t.Errorf("location %d lost stations", small.ID)
		default:
			for i, st := range small.Stations {
				if diff := cmp.Diff(fmt.Sprint(st.ID, st.NetworkID == nil, len(st.Outlets)), fmt.Sprint(large.Stations[i].ID, large.Stations[i].NetworkID == nil, len(large.Stations[i].Outlets))); diff != "" {
					t.Errorf("location %d: %s", small.ID, diff)
				}
			}
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	check := func(kind string, id int) {
		key := fmt.Sprint(kind, id)
		if seen[key] || id <= 0 || id > math.MaxInt32 {
			t.Errorf("%s %d is there twice, or no id", kind, id)
		}
		seen[key] = true
	}
	for _, l := range defaultPSView().locations {
		check("location", l.ID)
		for _, st := range l.Stations {
			check("station", st.ID)
			for _, o := range st.Outlets {
				check("outlet", o.ID)
			}
		}
		for i := range l.reviews {
			check("review", l.reviews[i].id)
		}
	}
	last := func(n int) int { return psOutletBase + (n*100+99)*psOutletsOf + psOutletsOf }
	if last(MaxSites) > math.MaxInt32 || psTwinReview+psBareReview+MaxSites*1000+999 > math.MaxInt32 {
		t.Error("the largest world has ids above 2^31")
	}
}

func TestALocationIsWhatVisibleRangeGroups(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	groupM := w.Params().PlugShare.GroupM
	grouped, networks := 0, 0
	for _, l := range defaultPSView().locations {
		for _, s := range l.sites[1:] {
			grouped++
			if m := 1000 * kmBetween(l.sites[0].Lat, l.sites[0].Lon, s.Lat, s.Lon); m > groupM {
				t.Errorf("location %d holds sites %d and %d, %.0f m apart", l.ID, l.sites[0].ID, s.ID, m)
			}
			if s.Lifecycle != Open || psAccess(s.Access) != psAccess(l.sites[0].Access) || s.Access == PrivateHome {
				t.Errorf("location %d holds site %d, which is another kind of place", l.ID, s.ID)
			}
		}
		ids := make(map[int]bool)
		for _, st := range l.Stations {
			if st.NetworkID != nil {
				ids[*st.NetworkID] = true
			}
		}
		if len(ids) > 1 {
			networks++
		}
	}
	if grouped < 10 || networks < 100 {
		t.Errorf("%d sites share a location, %d locations have several networks", grouped, networks)
	}
	// Nothing near enough stays apart unless chance says so.
	p := smallParams(5_000)
	p.PlugShare.Apart, p.PlugShare.Unlisted = 0, 0
	view := newPSView(NewWorld(p))
	var first []*Site
	for _, l := range view.locations {
		if s := l.sites[0]; s.Lifecycle == Open && s.Access != PrivateHome && l.visitor.slot == 0 {
			first = append(first, s)
		}
	}
	for i, a := range first {
		for _, b := range first[i+1:] {
			if math.Abs(a.Lat-b.Lat) < 0.001 && psAccess(a.Access) == psAccess(b.Access) && 1000*kmBetween(a.Lat, a.Lon, b.Lat, b.Lon) < groupM-1 {
				t.Errorf("sites %d and %d are two locations", a.ID, b.ID)
			}
		}
	}
}

func TestPlugSharesQuirksOccur(t *testing.T) {
	t.Parallel()
	locations := defaultPSView().locations
	station := func(ok func(l *psLocation, s *psStation) bool) func(l *psLocation) bool {
		return func(l *psLocation) bool { return l.hasStation(func(s psStation) bool { return ok(l, &s) }) }
	}
	outlet := func(ok func(o psOutlet) bool) func(l *psLocation) bool {
		return func(l *psLocation) bool { return l.hasOutlet(ok) }
	}
	connector := func(locale string, c psDescriptor) func(l *psLocation) bool {
		return func(l *psLocation) bool {
			return (locale == "" || l.Locale == locale) && l.hasOutlet(func(o psOutlet) bool { return c == psDescriptor{o.Connector, o.Power} })
		}
	}
	review := func(ok func(r *psReview) bool) func(l *psLocation) bool {
		return func(l *psLocation) bool {
			for i := range l.reviews[:min(len(l.reviews), 4)] {
				if r := l.review(&l.reviews[i]); ok(&r) {
					return true
				}
			}
			return false
		}
	}
	user := func(ok func(u *psUser) bool) func(l *psLocation) bool {
		return review(func(r *psReview) bool {
			u, is := r.User.(*psUser)
			return is && ok(u)
		})
	}
	for name, has := range map[string]func(l *psLocation) bool{
		"disabled":              func(l *psLocation) bool { return !l.Enabled },
		"closed but listed":     func(l *psLocation) bool { return l.Enabled && l.sites[0].Lifecycle == Closed },
		"secret":                func(l *psLocation) bool { return l.secret },
		"twin":                  func(l *psLocation) bool { return l.visitor.slot > 0 },
		"from Open Charge Map":  func(l *psLocation) bool { return len(l.Datasources) > 0 },
		"home":                  func(l *psLocation) bool { return l.Access == 3 && l.Owner != nil && l.IconType == "H" },
		"restricted":            func(l *psLocation) bool { return l.Access == 2 && len(l.AccessRestrictions) > 0 && l.IconType == "B" },
		"restricted, no reason": func(l *psLocation) bool { return l.Access == 2 && len(l.AccessRestrictions) == 0 },
		"access wrong":          func(l *psLocation) bool { return l.Access == 1 && psAccess(l.sites[0].Access) == 2 },
		"coming soon":           func(l *psLocation) bool { return l.comingSoon && strings.HasSuffix(l.IconType, "R") },
		"coming soon null":      func(l *psLocation) bool { return l.ComingSoon == nil },
		"under repair":          func(l *psLocation) bool { return l.UnderRepair && strings.HasSuffix(l.IconType, "R") },
		"opening None":          func(l *psLocation) bool { return l.OpeningDate != nil && *l.OpeningDate == "None" },
		"opening date":          func(l *psLocation) bool { return l.OpeningDate != nil && strings.HasPrefix(*l.OpeningDate, "202") },
		"plain date":            func(l *psLocation) bool { return !strings.Contains(l.UpdatedAt, "T") },
		"no name":               func(l *psLocation) bool { return l.Name == "" },
		"markup":                func(l *psLocation) bool { return strings.Contains(l.Description, "<script>") },
		"line break in address": func(l *psLocation) bool { return strings.Contains(l.Address, "\n") },
		"country twice":         func(l *psLocation) bool { return strings.HasSuffix(l.Address, "UK, UK") },
		"plus code":             func(l *psLocation) bool { return strings.Contains(l.Address, "+") },
		"not geocoded":          func(l *psLocation) bool { return l.ReverseGeocodedAddress == nil },
		"unscored":              func(l *psLocation) bool { return l.Score == nil },
		"free for all we know":  func(l *psLocation) bool { return !l.Cost && !l.sites[0].Tariff.Free },
		"clearance as text": func(l *psLocation) bool {
			_, text := l.OverheadClearanceMeters.(string)
			return text
		},
		"clearance as number": func(l *psLocation) bool {
			_, number := l.OverheadClearanceMeters.(float64)
			return number
		},
		"no stations":    func(l *psLocation) bool { return len(l.Stations) == 0 },
		"opening hours":  func(l *psLocation) bool { return l.OpeningTimes != nil && len(l.OpeningTimes.RegularHours) > 0 },
		"network text":   station(func(_ *psLocation, s *psStation) bool { return s.Network == "" }),
		"former network": station(func(_ *psLocation, s *psStation) bool { return s.NetworkID != nil && *s.NetworkID >= psFirstStaleID }),
		"network 11": station(func(_ *psLocation, s *psStation) bool {
			return s.NetworkID != nil && *s.NetworkID == 11 && s.NetworkExtID != nil
		}),
		"parent differs": station(func(l *psLocation, s *psStation) bool { return s.LocationID != l.ID }),
		"stall": station(func(_ *psLocation, s *psStation) bool {
			return s.NetworkExtID != nil && strings.Contains(*s.NetworkExtID, "_")
		}),
		"marked as broken":          station(func(_ *psLocation, s *psStation) bool { return s.site == nil && s.Available >= 3 }),
		"status unknown":            outlet(func(o psOutlet) bool { return o.Status != nil && *o.Status == "UNKNOWN" }),
		"EVSE id":                   outlet(func(o psOutlet) bool { return o.EVSEExtID != nil && strings.Contains(*o.EVSEExtID, "*") }),
		"EVSE id without stars":     outlet(func(o psOutlet) bool { return o.EVSEExtID != nil && !strings.Contains(*o.EVSEExtID, "*") }),
		"price":                     outlet(func(o psOutlet) bool { return len(o.Prices) > 0 }),
		"kilowatts null":            outlet(func(o psOutlet) bool { return o.Kilowatts == nil }),
		"unlisted connector":        outlet(func(o psOutlet) bool { return o.Connector >= 30 }),
		"CCS2 as 13":                connector("EU", psDescriptor{13, 0}),
		"CCS2 as 20":                connector("EU", psDescriptor{20, 0}),
		"CCS1":                      connector("US", psDescriptor{13, 0}),
		"supercharger":              connector("US", psDescriptor{6, 1}),
		"supercharger in Europe":    connector("EU", psDescriptor{6, 1}),
		"supercharger with power 0": connector("", psDescriptor{6, 0}),
		"three phase":               connector("EU", psDescriptor{14, 0}),
		"GB/T":                      connector("WW", psDescriptor{17, 0}),
		"review in use":             review(func(r *psReview) bool { return r.Rating == -1 && r.Problem == 2 }),
		"review blocked":            review(func(r *psReview) bool { return r.Rating == -1 && r.Problem == 3 }),
		"review not activated":      review(func(r *psReview) bool { return r.Rating == -1 && r.Problem == 4 }),
		"review closed":             review(func(r *psReview) bool { return r.Rating == -1 && r.Problem == 5 }),
		"review bad, no reason":     review(func(r *psReview) bool { return r.Rating == -1 && r.Problem == 0 }),
		"review neutral but broken": review(func(r *psReview) bool { return r.Rating == 0 && r.Problem == 1 }),
		"review without words":      review(func(r *psReview) bool { return r.Rating == 1 && r.Comment == "" }),
		"review without connector":  review(func(r *psReview) bool { return r.ConnectorType == nil }),
		"review of spam":            review(func(r *psReview) bool { return r.SpamCategory != nil }),
		"review without user":       review(func(r *psReview) bool { return r.User == nil }),
		"review with text for user": review(func(r *psReview) bool { return r.User == "" }),
		"review with markup":        review(func(r *psReview) bool { return strings.Contains(r.Comment, "<img") }),
		"answer of the network":     review(func(r *psReview) bool { return r.Response != nil }),
		"telephone of a user":       user(func(u *psUser) bool { return u.Phone != "" }),
		"last name of a user":       user(func(u *psUser) bool { return u.LastName != "" }),
		"photo without user": func(l *psLocation) bool {
			return slices.ContainsFunc(l.Photos, func(p psPhoto) bool { return p.UserID == nil })
		},
		"more reviews than 50": func(l *psLocation) bool { return l.TotalReviews > 50 },
	} {
		if !slices.ContainsFunc(locations, has) {
			t.Errorf("no location with quirk %q", name)
		}
	}
}

func TestPlugSharesQuirksOccurAsOftenAsTheParamsSay(t *testing.T) {
	t.Parallel()
	w, locations := defaultWorld(), defaultPSView().locations
	n := w.Params().PlugShare
	share := func(ok func(*psLocation) bool) float64 {
		c, of := 0.0, 0.0
		for _, l := range locations {
			if l.visitor.slot > 0 {
				continue
			}
			of++
			if ok(l) {
				c++
			}
		}
		return c / of
	}
	known := make(map[SiteID]bool)
	open := 0
	for _, l := range locations {
		for _, s := range l.sites {
			known[s.ID] = true
		}
	}
	listed := 0
	for _, s := range w.Sites() {
		if s.Lifecycle == Open {
			open++
			if known[s.ID] {
				listed++
			}
		}
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"unlisted":      {1 - float64(listed)/float64(open), n.Unlisted},
		"phone missing": {share(func(l *psLocation) bool { return l.Phone == "" }), n.PhoneMissing},
		"power null": {share(func(l *psLocation) bool {
			return len(l.sites) == 1 && !l.hasOutlet(func(o psOutlet) bool { return o.Kilowatts != nil })
		}), n.PowerNull},
		"mistyped, capitals": {share(func(l *psLocation) bool {
			return l.Name == strings.ToUpper(l.Name) && l.Name != strings.ToLower(l.Name)
		}), n.NameCapitals},
	} {
		if c.got < c.want*0.8 || c.got > c.want*1.2 {
			t.Errorf("%s: %.3f, want about %.3f", name, c.got, c.want)
		}
	}
}

func TestPlugShareWithoutNoiseTellsTheTruth(t *testing.T) {
	t.Parallel()
	p := smallParams(400)
	p.PlugShare = PlugShareNoise{ReviewKnown: 1, PhotoKnown: 1, ClosedListed: 1}
	w := NewWorld(p)
	view := newPSView(w)
	if len(view.locations) != 400 {
		t.Fatalf("%d locations of 400 sites", len(view.locations))
	}
	for _, l := range view.locations {
		s := l.sites[0]
		if metresBetween(s.Lat, s.Lon, l.Latitude, l.Longitude) > 1 {
			t.Errorf("site %d is at %v,%v, want %v,%v", s.ID, l.Latitude, l.Longitude, s.Lat, s.Lon)
		}
		if len(l.reviews) != len(s.Reviews) || len(l.Photos) != len(s.Photos) || len(l.Stations) != len(s.Stations) {
			t.Errorf("site %d: %d reviews of %d, %d photos of %d, %d stations of %d", s.ID, len(l.reviews), len(s.Reviews), len(l.Photos), len(s.Photos), len(l.Stations), len(s.Stations))
		}
		for i, st := range l.Stations {
			var plugs []Plug
			for _, e := range s.Stations[i].EVSEs {
				plugs = append(plugs, e.Plugs...)
			}
			if len(plugs) != len(st.Outlets) {
				t.Fatalf("station %d has %d outlets, want %d", st.ID, len(st.Outlets), len(plugs))
			}
			for k, o := range st.Outlets {
				if float64(*o.Kilowatts) != plugs[k].PowerKW || (psFast(psDescriptor{o.Connector, o.Power}) != (plugs[k].Current == DC)) || o.Status != nil && *o.Status != "PLANNED" {
					t.Errorf("station %d: outlet %+v, want %+v", st.ID, o, plugs[k])
				}
			}
			o, _ := w.Operator(s.Stations[i].Operator)
			if n, ok := st.Network.(*psNetwork); ok != (o.Kind == Network) || ok && n.Name != o.Network {
				t.Errorf("station %d of %s has network %v", st.ID, o.Key, st.Network)
			}
		}
	}
}

func TestRecordsFromOpenChargeMapNameTheRecordTheyCameFrom(t *testing.T) {
	t.Parallel()
	byID := make(map[string]*ocmPOI)
	for _, p := range defaultView().pois {
		byID[fmt.Sprint(p.ID)] = p
	}
	for _, l := range defaultPSView().locations {
		if len(l.Datasources) == 0 || l.visitor.slot > 0 {
			continue
		}
		p := byID[l.Datasources[0].NetworkExtID]
		if p == nil || l.Datasources[0].Network.ID != 11 {
			t.Fatalf("location %d: no record %s", l.ID, l.Datasources[0].NetworkExtID)
		}
		if p.site != l.sites[0].ID || *p.AddressInfo.Title != l.Name && p.title() != l.Name || p.AddressInfo.Latitude != l.Latitude {
			t.Errorf("location %d is not as record %d", l.ID, p.ID)
		}
	}
}

func TestLiveStatusChangesWithTimeAndAgreesWithTheWorld(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	at := w.Params().Epoch
	sim := newPSSim(t, PlugShareOptions{Now: func() time.Time { return at }})
	type outlet struct {
		Status  *string    `json:"status"`
		Changed *time.Time `json:"status_changed_at"`
	}
	type detail struct {
		Stations []struct {
			Available int        `json:"available"`
			Changed   *time.Time `json:"available_changed_at"`
			Network   any        `json:"network_id"`
			Outlets   []outlet   `json:"outlets"`
		} `json:"stations"`
	}
	lag := time.Duration(w.Params().PlugShare.FeedDelayM) * time.Minute
	changed, fed, silent := 0, 0, 0
	seen := make(map[string]bool)
	for i, l := range defaultPSView().locations {
		if i%25 != 0 || l.secret {
			continue
		}
		var before string
		for _, hours := range []int{0, 0, 3, 17} {
			at = w.Params().Epoch.Add(time.Duration(hours) * time.Hour)
			text := psGet(t, sim, "/v3/locations/"+strconv.Itoa(l.ID))
			var d detail
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			for k, st := range d.Stations {
				truth := &l.Stations[k]
				if truth.site == nil {
					silent++
					if st.Changed != nil || st.Network == nil && st.Outlets[0].Status != nil {
						t.Errorf("station %d has a status but no feed", truth.ID)
					}
					continue
				}
				fed++
				free := false
				for j, o := range st.Outlets {
					status, since, _ := w.StatusAt(truth.site, truth.Outlets[j].evse, at.Add(-truth.lag))
					if o.Status == nil || *o.Status != psStatus(status) || !o.Changed.Equal(since.Truncate(time.Second)) {
						t.Errorf("station %d: outlet is %+v, want %s since %s", truth.ID, o, psStatus(status), since)
					}
					seen[*o.Status] = true
					free = free || status == Available
				}
				if (st.Available == 1) != free || st.Changed == nil || st.Changed.After(at) || truth.lag > lag {
					t.Errorf("station %d: available is %d since %v", truth.ID, st.Available, st.Changed)
				}
			}
			if hours > 0 && string(text) != before {
				changed++
			}
			before = string(text)
		}
	}
	if fed < 100 || silent < 100 || changed < 50 {
		t.Errorf("%d stations with feed, %d without, %d changes", fed, silent, changed)
	}
	for _, status := range []string{"AVAILABLE", "CHARGING", "CONNECTED", "OUTOFORDER"} {
		if !seen[status] {
			t.Errorf("no outlet is %s", status)
		}
	}
}

func TestCountsOfASummaryAreThoseOfItsStations(t *testing.T) {
	t.Parallel()
	at := defaultWorld().Params().Epoch.Add(17 * time.Hour)
	known := 0
	for _, l := range defaultPSView().locations {
		s, ok := l.brief(at, false, nil).(*psSummary)
		if !ok {
			t.Fatal("no summary")
		}
		available, inUse, fed := 0, 0, false
		for i := range l.Stations {
			if l.Stations[i].site == nil {
				continue
			}
			fed = true
			switch l.available(i, at) {
			case 1:
				available++
			case 2:
				inUse++
			}
		}
		if s.StationCount != len(l.Stations) || fed != (s.AvailableStationCount != nil) || fed && (*s.AvailableStationCount != available || *s.InUseStationCount != inUse) {
			t.Errorf("location %d: %+v", l.ID, s)
		}
		if fed {
			known++
		}
	}
	if known < 500 {
		t.Errorf("only %d locations have counts", known)
	}
}

func TestDisabledAndSecretLocationsAreNotFound(t *testing.T) {
	t.Parallel()
	sim := newPSSim(t, PlugShareOptions{})
	for _, l := range defaultPSView().locations {
		if l.Enabled && !l.secret {
			continue
		}
		for _, f := range psFind(t, sim, fmt.Sprintf("/locations/region?latitude=%v&longitude=%v&spanLat=0.001&spanLng=0.001&count=250&minimal=1", l.Latitude, l.Longitude)) {
			if f.ID == l.ID {
				t.Errorf("location %d is found", l.ID)
			}
		}
		var d map[string]any
		if err := json.Unmarshal(psGet(t, sim, "/locations/"+strconv.Itoa(l.ID)), &d); err != nil || l.secret != (d["id"] == nil) {
			t.Errorf("location %d: %v", l.ID, d)
		}
		if !l.secret && d["enabled"] != false {
			t.Errorf("location %d is enabled", l.ID)
		}
	}
}

func TestNetworksAreThoseOfTheStations(t *testing.T) {
	t.Parallel()
	var list []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal(psGet(t, newPSSim(t, PlugShareOptions{}), "/v3/networks"), &list); err != nil {
		t.Fatal(err)
	}
	names := make(map[int]string)
	for _, n := range list {
		names[n.ID] = n.Name
	}
	if names[11] != "OpenChargeMap" || len(names) != len(list) {
		t.Errorf("networks are %v", list)
	}
	for _, l := range defaultPSView().locations {
		for _, st := range l.Stations {
			if n, ok := st.Network.(*psNetwork); ok && (names[n.ID] != n.Name || n.ID != *st.NetworkID) {
				t.Errorf("station %d has network %d %q", st.ID, n.ID, n.Name)
			}
		}
	}
}

func BenchmarkNewPlugShareView(b *testing.B) {
	for b.Loop() {
		newPSView(defaultWorld())
	}
}
