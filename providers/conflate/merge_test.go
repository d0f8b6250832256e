package conflate_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// pairs are POIs of several members, out of crowded worlds.
func pairs() *rapid.Generator[*providers.POI] {
	return rapid.Custom(func(t *rapid.T) *providers.POI {
		for _, p := range conflate.Merge(worlds(3, 40).Draw(t, "world")) {
			if len(p.Members) > 1 {
				return p
			}
		}
		t.Skip("nothing to merge")
		return nil
	})
}

func TestMerge_KeepsEveryCommentAndPhotoOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := pairs().Draw(t, "POI")
		var want, got []string
		for _, r := range p.Members {
			for i := range r.Comments {
				want = append(want, r.Comments[i].ID())
			}
			for i := range r.Photos {
				want = append(want, r.Photos[i].ID())
			}
		}
		for i := range p.Comments {
			got = append(got, p.Comments[i].ID())
			if i > 0 && p.Comments[i].CreatedAt.After(p.Comments[i-1].CreatedAt) {
				t.Errorf("%s is newer than the one before it", p.Comments[i].ID())
			}
		}
		for i := range p.Photos {
			got = append(got, p.Photos[i].ID())
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("comments and photos mismatch (-want +got):\n%s", diff)
		}
		n, sum := 0, 0
		for i := range p.Comments {
			n, sum = n+1, sum+*p.Comments[i].Rating
		}
		if n > 0 && (p.Rating == nil || p.Rating.Count != n || math.Abs(*p.Rating.Average-float64(sum)/float64(n)) > 1e-9) {
			t.Errorf("Rating = %+v of %d comments", p.Rating, n)
		}
	})
}

// value returns a field of a site by its name in the graph.
func value(s *providers.Site, field string) any {
	return reflect.ValueOf(s).Elem().FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, field) }).Interface()
}

func TestMerge_ProvenanceNamesMembersThatHaveTheValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := pairs().Draw(t, "POI")
		named := make(map[string][]providers.FieldProvenance)
		for _, f := range p.Provenance() {
			named[f.Field] = append(named[f.Field], f)
		}
		for _, field := range providers.SiteFields() {
			list := named[field.Name]
			if (len(list) > 0) != field.Present(p.Site) {
				t.Errorf("%s is present: %v, and named %d times", field.Name, field.Present(p.Site), len(list))
			}
			having := slices.DeleteFunc(slices.Clone(p.Members), func(r *providers.Record) bool { return !field.Present(&r.Site) })
			for _, f := range list {
				if !slices.Contains(having, f.Record) {
					t.Errorf("%s is said to come from %s, which has none", field.Name, f.Record.Key)
					continue
				}
				if (f.Rule == providers.MergeOnlyValue) != (len(having) == 1) {
					t.Errorf("%s of %d records by %s", field.Name, len(having), f.Rule)
				}
				if f.Rule != providers.MergeUnion && len(list) != 1 {
					t.Errorf("%s comes from %d records by %s", field.Name, len(list), f.Rule)
				}
				got, from := value(p.Site, field.Name), value(&f.Record.Site, field.Name)
				switch {
				case field.Name == "rating": // follows from all comments
				case field.Name == "maxPowerKw": // follows from the united plugs
					if !slices.ContainsFunc(f.Record.Connections, func(c providers.ConnectionInfo) bool { return c.PowerKW != nil && *c.PowerKW == *p.MaxPowerKW }) {
						t.Errorf("%s has no plug of %v kW", f.Record.Key, *p.MaxPowerKW)
					}
				case f.Rule != providers.MergeUnion:
					if !reflect.DeepEqual(got, from) {
						t.Errorf("%s = %v, but %v at %s", field.Name, got, from, f.Record.Key)
					}
				case reflect.ValueOf(got).Kind() == reflect.Slice:
					if !overlap(reflect.ValueOf(got), reflect.ValueOf(from)) {
						t.Errorf("%s has nothing of %s: %v, %v", field.Name, f.Record.Key, got, from)
					}
				}
				chosen := slices.Contains([]string{"title", "address", "location", "usageType", "statusType"}, field.Name) // by rules of their own
				if f.Rule == providers.MergePriority && f.Record != having[0] && !chosen {
					t.Errorf("%s comes from %s rather than %s", field.Name, f.Record.Key, having[0].Key)
				}
			}
			if when, ok := value(p.Site, field.Name).(time.Time); ok && strings.HasSuffix(field.Name, "edAt") && field.Name != "createdAt" {
				for _, r := range having {
					if other, ok := value(&r.Site, field.Name).(time.Time); ok && other.After(when) {
						t.Errorf("%s = %v, and later at %s", field.Name, when, r.Key)
					}
				}
			}
		}
	})
}

func overlap(a, b reflect.Value) bool {
	for i := range a.Len() {
		for j := range b.Len() {
			if reflect.DeepEqual(a.Index(i).Interface(), b.Index(j).Interface()) {
				return true
			}
		}
	}
	return false
}

// Of every plug in every band of power there are as many as the member says that
// counts most of it. Only the operators' own members count where there are some.
func TestMerge_NeverAddsUpQuantities(t *testing.T) {
	t.Parallel()
	type kind struct {
		connector providers.ConnectorType
		fast      bool // the plugs of these worlds have about 50 kW, or 150
		stated    bool
	}
	count := func(list []providers.ConnectionInfo) map[kind]int {
		counts := make(map[kind]int)
		for _, c := range list {
			n := 1
			if c.Quantity != nil {
				n = *c.Quantity
			}
			counts[kind{c.Type, c.PowerKW != nil && *c.PowerKW > 100, c.PowerKW != nil}] += n
		}
		return counts
	}
	states := func(list []providers.ConnectionInfo, connector providers.ConnectorType) bool {
		return slices.ContainsFunc(list, func(c providers.ConnectionInfo) bool { return c.Type == connector && c.PowerKW != nil })
	}
	rapid.Check(t, func(t *rapid.T) {
		p := pairs().Draw(t, "POI")
		members := slices.DeleteFunc(slices.Clone(p.Members), func(r *providers.Record) bool {
			return len(r.Connections) == 0 || r.Source.Provider != providers.OCPI
		})
		if len(members) == 0 {
			members = p.Members
		}
		want := make(map[kind]int)
		for _, r := range members {
			for k, n := range count(r.Connections) {
				want[k] = max(want[k], n)
			}
		}
		got := count(p.Connections)
		for k, n := range want {
			// Beside a row with a power, one without says nothing.
			superseded := !k.stated && got[k] == 0 && states(p.Connections, k.connector)
			if got[k] != n && !superseded {
				t.Errorf("%v: %d, want %d", k, got[k], n)
			}
		}
		for i := range p.Connections {
			c := &p.Connections[i]
			if !slices.Contains(members, c.Record) || !slices.ContainsFunc(c.Record.Connections, func(o providers.ConnectionInfo) bool { return o == *c }) {
				t.Errorf("%s is not as %s states it", c.ID(), c.Record.Key)
			}
		}
	})
}

func TestMerge_DoesNotTouchTheRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := worlds(3, 20).Draw(t, "world")
		before := make([]providers.Record, len(records))
		for i, r := range records {
			before[i] = *r
			before[i].Comments, before[i].Photos = slices.Clone(r.Comments), slices.Clone(r.Photos)
			before[i].Connections, before[i].Amenities = slices.Clone(r.Connections), slices.Clone(r.Amenities)
			before[i].Links.Providers = slices.Clone(r.Links.Providers)
			if r.Rating != nil {
				before[i].Rating = new(*r.Rating)
			}
		}
		for _, p := range conflate.Merge(records) {
			if len(p.Members) == 1 && p.Site != &p.Members[0].Site {
				t.Error("a single record was copied")
			}
		}
		for i, r := range records {
			if !reflect.DeepEqual(&before[i], r) { //nolint:govet // cmp cannot compare the state of a Source, and no record holds an error
				t.Errorf("%s was changed", r.Key)
			}
		}
	})
}

func TestRenew_MergesNewerVersionsAndKeepsTheIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := pairs().Draw(t, "POI")
		p.Results = []providers.SourceResult{{Returned: 3}}
		members := make([]*providers.Record, len(p.Members))
		for i, r := range p.Members {
			members[i] = newRecord(r.Source, r.ExternalID, r.Location, func(n *providers.Record) {
				n.Site, n.Owner = r.Site, "renewed"
				n.Comments = append(slices.Clone(r.Comments), providers.Comment{ExternalID: "new", Rating: new(5), CreatedAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)})
			})
		}
		renewed := conflate.Renew(p, members)
		if diff := cmp.Diff(told([]*providers.POI{p}), told([]*providers.POI{renewed})); diff != "" {
			t.Errorf("Renew() mismatch (-want +got):\n%s", diff)
		}
		if renewed.Owner != "renewed" || len(renewed.Comments) != len(p.Comments)+len(members) || renewed.Comments[0].ExternalID != "new" {
			t.Errorf("Renew() = owner %q, %d comments", renewed.Owner, len(renewed.Comments))
		}
		if !cmp.Equal(renewed.Match(), p.Match()) || renewed.Match() == nil || len(renewed.Results) != 1 || p.Owner == "renewed" {
			t.Error("Renew() forgets how the POI came about, or changes it")
		}
	})
}

func TestMerge_Rules(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	tesla := operatorNamed("23")
	member := func(source *providers.Source, with func(*providers.Record)) *providers.Record {
		return newRecord(source, "1", towns()[0], func(r *providers.Record) { r.Operator = tesla }, with)
	}
	plug := func(power float64, quantity int) providers.ConnectionInfo {
		return providers.ConnectionInfo{Type: providers.ConnectorCCS2, PowerKW: &power, Quantity: &quantity}
	}
	plugs := func(p *providers.POI) string {
		text := ""
		for _, c := range p.Connections {
			n, kw := 1, 0.0
			if c.Quantity != nil {
				n = *c.Quantity
			}
			if c.PowerKW != nil {
				kw = *c.PowerKW
			}
			text += fmt.Sprintf("%d×%g ", n, kw)
		}
		return text
	}
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	for sentence, c := range map[string]struct {
		with [3]func(*providers.Record)
		got  func(p *providers.POI) any
		want any
		from map[string]string // field -> sources and rule
	}{
		"the best member that has a value gives it": {
			with: [3]func(*providers.Record){nil, func(r *providers.Record) { r.Owner = "ocm" }, func(r *providers.Record) { r.Owner = "plugshare" }},
			got:  func(p *providers.POI) any { return p.Owner }, want: "ocm", from: map[string]string{"owner": "ocm PRIORITY"},
		},
		"unknown is no value": {
			with: [3]func(*providers.Record){nil, func(r *providers.Record) { r.Status = providers.StatusOperational }, nil},
			got:  func(p *providers.POI) any { return p.Status }, want: providers.StatusOperational, from: map[string]string{"status": "ocm ONLY_VALUE"},
		},
		"zero is a value": {
			with: [3]func(*providers.Record){func(r *providers.Record) { r.NumberOfPoints = new(0) }, func(r *providers.Record) { r.NumberOfPoints = new(4) }, nil},
			got:  func(p *providers.POI) any { return *p.NumberOfPoints }, want: 0, from: map[string]string{"numberOfPoints": "ocpi:ndw PRIORITY"},
		},
		"the latest date counts": {
			with: [3]func(*providers.Record){func(r *providers.Record) { r.UpdatedAt = day(1) }, func(r *providers.Record) { r.UpdatedAt = day(3) }, func(r *providers.Record) { r.UpdatedAt = day(2) }},
			got:  func(p *providers.POI) any { return p.UpdatedAt }, want: day(3), from: map[string]string{"updatedAt": "ocm MOST_RECENT"},
		},
		"of equal dates the best member's counts": {
			with: [3]func(*providers.Record){nil, func(r *providers.Record) { r.LastVerifiedAt = day(3) }, func(r *providers.Record) { r.LastVerifiedAt = day(3) }},
			got:  func(p *providers.POI) any { return p.LastVerifiedAt }, want: day(3), from: map[string]string{"lastVerifiedAt": "ocm MOST_RECENT"},
		},
		"the first canonical link there is": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) {
					r.Links.Providers = []providers.ProviderLink{{Provider: providers.OCPI, View: "a"}}
				},
				func(r *providers.Record) { r.Links.Canonical = "https://ocm" },
				func(r *providers.Record) { r.Links.Canonical = "https://plugshare" },
			},
			got:  func(p *providers.POI) any { return fmt.Sprint(p.Links) },
			want: "{https://ocm [{OCPI a  }]}", from: map[string]string{"links": "ocpi:ndw,ocm,plugshare UNION"},
		},
		"the larger count of one plug, and all other plugs": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) {
					r.Connections = []providers.ConnectionInfo{plug(50.3, 1), plug(43, 2), plug(150, 1)}
				},
				func(r *providers.Record) {
					r.Connections = []providers.ConnectionInfo{plug(50, 2), plug(149, 2), {Type: providers.ConnectorCCS2}, {Type: providers.ConnectorType2}}
				},
			},
			got:  func(p *providers.POI) any { return plugs(p) },
			want: "1×50.3 2×43 2×149 1×0 1×0 ", from: map[string]string{"connections": "ocm,plugshare UNION", "maxPowerKw": "plugshare UNION"},
		},
		"a plug without a power is the one that another states with it": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(50, 1)} },
				func(r *providers.Record) {
					r.Connections = []providers.ConnectionInfo{{Type: providers.ConnectorCCS2}, {Type: providers.ConnectorType2}}
				},
			},
			got:  func(p *providers.POI) any { return plugs(p) },
			want: "1×50 1×0 ", from: map[string]string{"connections": "ocm,plugshare UNION"},
		},
		"what its operator publishes, where one does": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(50, 2)} },
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(150, 1)} },
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(22, 1)} },
			},
			got: func(p *providers.POI) any { return plugs(p) + fmt.Sprint(*p.MaxPowerKW) }, want: "2×50 50",
			from: map[string]string{"connections": "ocpi:ndw UNION", "maxPowerKw": "ocpi:ndw UNION"},
		},
		"the strongest plug is the site's, whoever states it": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(50, 2)} },
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(150, 1)} },
			},
			got: func(p *providers.POI) any { return *p.MaxPowerKW }, want: 150.0,
			from: map[string]string{"connections": "ocm,plugshare UNION", "maxPowerKw": "plugshare UNION"},
		},
		"no strongest plug where the operator states no power": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{{Type: providers.ConnectorCCS2}} },
				func(r *providers.Record) { r.Connections = []providers.ConnectionInfo{plug(150, 1)} },
				nil,
			},
			got: func(p *providers.POI) any { return p.MaxPowerKW == nil }, want: true, from: map[string]string{"maxPowerKw": ""},
		},
		"the name that drivers give": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.Title = "T001" },
				func(r *providers.Record) { r.Title = "Mall" },
				func(r *providers.Record) { r.Title = "The Mall" },
			},
			got: func(p *providers.POI) any { return p.Title }, want: "The Mall", from: map[string]string{"title": "plugshare PRIORITY"},
		},
		"a name before an address that stands in for one": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.Title = "T001" },
				nil,
				func(r *providers.Record) { r.Title, r.Address.Line1 = "1 Main St", "1 Main St" },
			},
			got: func(p *providers.POI) any { return p.Title }, want: "Site", from: map[string]string{"title": "ocm PRIORITY"},
		},
		"the whole address of one record": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.Address = providers.Address{Town: "Ghent"} },
				func(r *providers.Record) { r.Address = providers.Address{Line1: "Kouter 1", Town: "Gent"} },
				func(r *providers.Record) { r.Address = providers.Address{Line1: "Kouter", Postcode: "9000"} },
			},
			got: func(p *providers.POI) any { return p.Address.Line1 + " " + p.Address.Postcode + p.Address.Town }, want: "Kouter 1 Gent",
			from: map[string]string{"address": "ocm PRIORITY"},
		},
		"a state and its row of one record": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) { r.Status = providers.StatusPlanned },
				func(r *providers.Record) {
					r.Status, r.StatusType = providers.StatusOperational, &providers.StatusType{Title: "Operational"}
				},
			},
			got: func(p *providers.POI) any { return fmt.Sprint(p.Status, p.StatusType == nil) }, want: "PLANNEDtrue",
			from: map[string]string{"status": "ocm PRIORITY", "statusType": ""},
		},
		"a usage and its row of one record": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.UsageType = &providers.UsageType{Title: "unread"} },
				func(r *providers.Record) {
					r.Usage, r.UsageType = providers.UsagePublic, &providers.UsageType{Title: "Public"}
				},
				nil,
			},
			got: func(p *providers.POI) any { return p.UsageType.Title }, want: "Public", from: map[string]string{"usageType": "ocm PRIORITY"},
		},
		"one EVSE of two feeds": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) {
					r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "NL*ABC*E1"}, {ExternalID: "2"}}
				},
				func(r *providers.Record) { r.EVSEs = []providers.EVSE{{ExternalID: "a", EVSEID: "nlabce1"}} },
				nil,
			},
			got: func(p *providers.POI) any { return len(p.EVSEs) }, want: 2, from: map[string]string{"evses": "ocpi:ndw UNION"},
		},
		"one score of a provider": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) {
					r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.PlugShare, Value: 9, ScaleMax: 10}}}
				},
				nil,
				func(r *providers.Record) {
					r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.PlugShare, Value: 8, ScaleMax: 10}}}
				},
			},
			got: func(p *providers.POI) any { return len(p.Rating.ProviderScores) }, want: 1, from: nil,
		},
		"amenities once each": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) {
					r.Amenities = []providers.Amenity{providers.AmenityCafe, providers.AmenityWifi}
				},
				nil,
				func(r *providers.Record) {
					r.Amenities = []providers.Amenity{providers.AmenityWifi, providers.AmenityPark}
				},
			},
			got:  func(p *providers.POI) any { return fmt.Sprint(p.Amenities) },
			want: "[CAFE WIFI PARK]", from: map[string]string{"amenities": "ocpi:ndw,plugshare UNION"},
		},
		"a copy gives what no original has, and nothing else": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) {
					r.Title, r.UpdatedAt = "Mall", day(1)
					r.Connections = []providers.ConnectionInfo{plug(50, 1)}
					r.Comments = []providers.Comment{{ExternalID: "1", Rating: new(4)}}
				},
				func(r *providers.Record) {
					r.Directory = "OpenChargeMap"
					r.Title, r.UpdatedAt, r.Owner = "The Mall", day(2), "copied"
					r.Connections = []providers.ConnectionInfo{plug(50, 4), plug(150, 2)}
					r.Comments = []providers.Comment{{ExternalID: "1", Rating: new(2)}}
					r.Photos = []providers.Photo{{ExternalID: "1", URL: "https://p.example/1.jpg"}}
				},
			},
			got: func(p *providers.POI) any {
				return fmt.Sprint(p.Title, " ", p.UpdatedAt.Day(), " ", p.Owner, " ", plugs(p), *p.MaxPowerKW, " ", len(p.Comments), len(p.Photos), " ", *p.Rating.Average)
			},
			want: "Mall 1 copied 1×50 50 2 1 3",
			from: map[string]string{
				"title": "ocm PRIORITY", "updatedAt": "ocm ONLY_VALUE", "owner": "plugshare ONLY_VALUE", "connections": "ocm ONLY_VALUE", "maxPowerKw": "ocm ONLY_VALUE",
				"comments": "ocm,plugshare UNION", "photos": "plugshare ONLY_VALUE", "rating": "ocm,plugshare UNION",
			},
		},
		"the place that two others agree on": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.OperatorReference = "7" },
				func(r *providers.Record) { r.OperatorReference, r.Location = "7", moved(r.Location, 0, 150) },
				func(r *providers.Record) { r.OperatorReference, r.Location = "7", moved(r.Location, 0, 160) },
			},
			got: func(p *providers.POI) any { return p.Location == p.Members[1].Location }, want: true, from: map[string]string{"location": "ocm PRIORITY"},
		},
		"a copy agrees with nobody on a place": {
			with: [3]func(*providers.Record){
				func(r *providers.Record) { r.OperatorReference = "7" },
				func(r *providers.Record) { r.OperatorReference, r.Location = "7", moved(r.Location, 0, 150) },
				func(r *providers.Record) {
					r.OperatorReference, r.Location, r.Directory = "7", moved(r.Location, 0, 160), "OpenChargeMap"
				},
			},
			got: func(p *providers.POI) any { return p.Location == p.Members[0].Location }, want: true, from: map[string]string{"location": "ocpi:ndw PRIORITY"},
		},
		"providers' scores side by side": {
			with: [3]func(*providers.Record){
				nil,
				func(r *providers.Record) { r.Comments = []providers.Comment{{ExternalID: "1", Rating: new(4)}} },
				func(r *providers.Record) {
					r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.PlugShare, Value: 8, ScaleMax: 10}}}
					r.Comments = []providers.Comment{{ExternalID: "1", Rating: new(2)}}
				},
			},
			got: func(p *providers.POI) any {
				return fmt.Sprint(*p.Rating.Average, p.Rating.Count, p.Rating.ProviderScores)
			},
			want: "3 2 [{PLUGSHARE 8 10}]", from: map[string]string{"rating": "ocm,plugshare UNION"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var members []*providers.Record
			for i, with := range c.with {
				if with == nil {
					with = func(*providers.Record) {}
				}
				members = append(members, member(sources[i], with))
			}
			pois := conflate.Merge(members)
			if len(pois) != 1 {
				t.Fatalf("Merge() = %v", told(pois))
			}
			if diff := cmp.Diff(c.want, c.got(pois[0])); diff != "" {
				t.Errorf("merged value mismatch (-want +got):\n%s", diff)
			}
			from := make(map[string]string)
			for _, f := range pois[0].Provenance() {
				if _, ok := c.from[f.Field]; !ok {
					continue
				}
				if list, _, ok := strings.Cut(from[f.Field], " "); ok {
					from[f.Field] = fmt.Sprintf("%s,%s %s", list, f.Record.Source.ID, f.Rule)
				} else {
					from[f.Field] = fmt.Sprintf("%s %s", f.Record.Source.ID, f.Rule)
				}
			}
			for field, said := range c.from {
				if said == "" {
					from[field] += "" // named to say that nobody gave it
				}
			}
			if diff := cmp.Diff(c.from, from, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Provenance() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
