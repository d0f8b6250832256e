package providers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func TestParseKey_TakesKeysApart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		source   providers.SourceID
		code     providers.ProviderCode
		external string
	}{
		"ocm:1234":                {"ocm", providers.OCM, "1234"},
		"ocm:fast:1234":           {"ocm:fast", providers.OCM, "1234"},
		"plugshare:99~8":          {"plugshare", providers.PlugShare, "99~8"},
		"plugshare:99":            {"plugshare", providers.PlugShare, "99"},
		"ocpi:ndw:NL*ABC*LOC1":    {"ocpi:ndw", providers.OCPI, "NL*ABC*LOC1"},
		"ocpi:ndw:NL*ABC*A:B/C~D": {"ocpi:ndw", providers.OCPI, "NL*ABC*A:B/C~D"},
		"ocpi:ndw:abc:def":        {"ocpi:ndw", providers.OCPI, "abc:def"},
		"ocpi:ndw::":              {"ocpi:ndw", providers.OCPI, ":"},
		"ocpi:n-d_w2:Zürich 1":    {"ocpi:n-d_w2", providers.OCPI, "Zürich 1"},
		"ocpplab:12/loc-42":       {"ocpplab", providers.OCPPLAB, "12/loc-42"},
		"ocpplab:12:42":           {"ocpplab", providers.OCPPLAB, "12:42"},
		"local:x":                 {"local", providers.Local, "x"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			k, err := providers.ParseKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if k.SourceID() != want.source || k.SourceID().Provider() != want.code || k.ExternalID() != want.external {
				t.Errorf("source %q of %q, external id %q", k.SourceID(), k.SourceID().Provider(), k.ExternalID())
			}
			if again := providers.NewKey(k.SourceID(), k.ExternalID()); string(again) != text {
				t.Errorf("put together again it is %q", again)
			}
		})
	}
}

func TestParseKey_RefusesWhatNoSourceWrites(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Nothing":                 "",
		"NoExternalID":            "ocm:",
		"NoExternalIDOfANamedOne": "ocm:fast:",
		"NoSource":                ":1",
		"NoColon":                 "ocm",
		"AnUnknownProvider":       "tesla:1",
		"AnUpperCaseProvider":     "OCM:1",
		"ADotlessProvider":        "ocpı:ndw:NL*ABC*1",
		"ALongSProvider":          "plugſhare:1",
		"AFullwidthProvider":      "ｏcm:1",
		"AControlCharacter":       "ocm:1\n2",
		"ADelete":                 "ocm:1\x7f",
		"AC1Control":              "ocm:1\u0085",
		"BrokenUTF8":              "ocm:1\xff",
		"TooMuch":                 "ocm:" + strings.Repeat("1", 253),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := providers.ParseKey(text)
			if idErr := (*providers.IDError)(nil); !errors.As(err, &idErr) || k != "" {
				t.Errorf("ParseKey(%q) = %q, %v", text, k, err)
			}
		})
	}
}

func TestParseID_TakesIDsApart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]providers.ID{
		"poi:ocm:1234":                   {Kind: providers.KindPOI, Key: "ocm:1234"},
		"poi:plugshare:99":               {Kind: providers.KindPOI, Key: "plugshare:99"},
		"record:ocpi:ndw:NL*ABC*LOC:1":   {Kind: providers.KindRecord, Key: "ocpi:ndw:NL*ABC*LOC:1"},
		"comment:ocm:1234:5":             {Kind: providers.KindComment, Key: "ocm:1234", External: "5"},
		"comment:ocm:fast:1234:5":        {Kind: providers.KindComment, Key: "ocm:fast:1234", External: "5"},
		"comment:ocpi:ndw:NL*ABC*A:B:c1": {Kind: providers.KindComment, Key: "ocpi:ndw:NL*ABC*A:B", External: "c1"},
		"photo:plugshare:99~8:7":         {Kind: providers.KindPhoto, Key: "plugshare:99~8", External: "7"},
		"photo:ocpplab:12/loc-42:img/7":  {Kind: providers.KindPhoto, Key: "ocpplab:12/loc-42", External: "img/7"},
		"operator:ocm:5":                 {Kind: providers.KindOperator, Source: "ocm", External: "5"},
		"operator:ocpi:NL*ABC":           {Kind: providers.KindOperator, Source: "ocpi", External: "NL*ABC"},
		"operator:ocpi:ndw:ABC":          {Kind: providers.KindOperator, Source: "ocpi", External: "ndw:ABC"},
		"source:ocm":                     {Kind: providers.KindSource, Source: "ocm"},
		"source:ocpi:ndw":                {Kind: providers.KindSource, Source: "ocpi:ndw"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := providers.ParseID(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ParseID() mismatch (-want +got):\n%s", diff)
			}
			if got.String() != text {
				t.Errorf("String() = %q", got)
			}
		})
	}
}

func TestParseID_RefusesWhatIsNoneOfOurs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ":", "poi", "poi:", "poi:ocm", "poi:ocm:", "POI:ocm:1", "Poi:ocm:1", "ocm:1", "poi:poi:ocm:1", "poi:tesla:1", "record:1",
		"comment:ocm:1", "comment:ocm:1:", "comment::5", "comment:5", "photo:ocm::5", "connection:ocm:1:2", "cluster:3:5:1f",
		"operator:", "operator:ocm", "operator:ocm:", "operator:tesla:5", "operator:OCM:5", "operator:ocpı:5", "operator:ocm:a\nb", "operator:ocm:\x00",
		"source:", "source:tesla", "source:OCM", "source:ocm:", "source:ocm:Fast", "source:ocm:a:b", "source:ocpı", "source:ocm:" + strings.Repeat("a", 33),
		"photo:ocm:1:a\tb", "comment:ocm:1:" + strings.Repeat("5", 257), "poi:ocm:\xc3\x28",
	} {
		got, err := providers.ParseID(text)
		if idErr := (*providers.IDError)(nil); !errors.As(err, &idErr) {
			t.Errorf("ParseID(%q) = %+v, %v", text, got, err)
		}
		if diff := cmp.Diff(providers.ID{}, got); diff != "" {
			t.Errorf("ParseID(%q) mismatch (-want +got):\n%s", text, diff)
		}
	}
	if text := (providers.ID{}).String(); text != "" {
		t.Errorf("the id of nothing is %q", text)
	}
}

// externals are ids as sources write them, at their worst.
func externals() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9*~/:._ äÿ-]{0,40}`)
}

func sourceIDs() *rapid.Generator[providers.SourceID] {
	return rapid.Custom(func(t *rapid.T) providers.SourceID {
		code := rapid.SampledFrom([]providers.ProviderCode{providers.OCM, providers.PlugShare, providers.OCPI, providers.OCPPLAB}).Draw(t, "provider")
		name := rapid.StringMatching(`([a-z][a-z0-9_-]{0,31})?`).Draw(t, "name")
		if code == providers.OCPI && name == "" {
			name = "ndw"
		}
		return providers.NewSourceID(code, name)
	})
}

func TestKey_OfANamedSourceKeepsAnyExternalID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source, external := sourceIDs().Draw(t, "source"), externals().Draw(t, "external")
		if !strings.Contains(string(source), ":") && strings.Contains(external, ":") {
			// Without a name only ids whose first part could not be one may have a colon.
			external = "1" + external
		}
		k, err := providers.ParseKey(string(providers.NewKey(source, external)))
		if err != nil {
			t.Fatal(err)
		}
		if k.SourceID() != source || k.ExternalID() != external {
			t.Errorf("%q of %q became %q of %q", external, source, k.ExternalID(), k.SourceID())
		}
	})
}

func TestID_OfEveryKindGivesItsPartsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := providers.ID{Kind: rapid.SampledFrom([]providers.Kind{
			providers.KindPOI, providers.KindRecord, providers.KindComment, providers.KindPhoto, providers.KindOperator, providers.KindSource, providers.KindCheckIn,
		}).Draw(t, "kind")}
		switch id.Kind {
		case providers.KindOperator:
			// Of an operator only its provider counts, not which of its sources.
			id.Source = rapid.SampledFrom([]providers.SourceID{"ocm", "plugshare", "ocpi", "ocpplab"}).Draw(t, "source")
			id.External = externals().Draw(t, "external")
		case providers.KindSource:
			id.Source = sourceIDs().Draw(t, "source")
		case providers.KindCheckIn:
			id.External = externals().Draw(t, "external")
		case providers.KindComment, providers.KindPhoto:
			id.External = strings.ReplaceAll(externals().Draw(t, "of the child"), ":", ".")
			fallthrough
		case providers.KindPOI, providers.KindRecord:
			id.Key = providers.NewKey(sourceIDs().Draw(t, "source"), "1"+externals().Draw(t, "external"))
		}
		got, err := providers.ParseID(id.String())
		if err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if diff := cmp.Diff(id, got); diff != "" {
			t.Errorf("%q: ParseID() mismatch (-want +got):\n%s", id, diff)
		}
	})
}

func TestID_ThoseOfRecordsAndTheirPartsAreWrittenAlike(t *testing.T) {
	t.Parallel()
	r := record("ocpi:ndw", "NL*ABC*A:1", func(r *providers.Record) {
		r.Comments = []providers.Comment{{ExternalID: "5"}}
		r.Photos = []providers.Photo{{ExternalID: "7"}}
	})
	p := &providers.POI{Site: &r.Site, Members: []*providers.Record{r}}
	for want, got := range map[string]string{
		"poi:ocpi:ndw:NL*ABC*A:1":       p.ID(),
		"record:ocpi:ndw:NL*ABC*A:1":    r.ID(),
		"comment:ocpi:ndw:NL*ABC*A:1:5": r.Comments[0].ID(),
		"photo:ocpi:ndw:NL*ABC*A:1:7":   r.Photos[0].ID(),
		"source:ocpi:ndw":               r.Source.NodeID(),
	} {
		if got != want {
			t.Errorf("id %q, want %q", got, want)
		}
		if id, err := providers.ParseID(got); err != nil || id.String() != want {
			t.Errorf("ParseID(%q) = %q, %v", got, id, err)
		}
	}
	id, err := providers.ParseID(r.Comments[0].ID())
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Comment(id); c == nil || c.POI != p || c.ExternalID != "5" {
		t.Errorf("Comment() = %+v", c)
	}
	if r.Comments[0].POI != nil {
		t.Error("looking a comment up changes the record")
	}
	if photo := p.Photo(providers.ID{Key: r.Key, External: "7"}); photo == nil || photo.POI != p {
		t.Errorf("Photo() = %+v", photo)
	}
	id.External = "6"
	if c, photo := p.Comment(id), p.Photo(id); c != nil || photo != nil {
		t.Errorf("found what is not there: %+v, %+v", c, photo)
	}
}

func TestNewSourceID_LeavesOutTheProvidersOwnName(t *testing.T) {
	t.Parallel()
	for want, c := range map[providers.SourceID]struct {
		code providers.ProviderCode
		name string
	}{
		"ocm":       {providers.OCM, "ocm"},
		"plugshare": {providers.PlugShare, ""},
		"ocm:fast":  {providers.OCM, "fast"},
		"ocpi:ocpi": {providers.OCPI, "ocpi"}, // a feed is always named
		"ocpi:ndw":  {providers.OCPI, "ndw"},
	} {
		if got := providers.NewSourceID(c.code, c.name); got != want {
			t.Errorf("NewSourceID(%q, %q) = %q, want %q", c.code, c.name, got, want)
		}
	}
}

func TestValidSourceName_IsWhatCanStandInAKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"ndw": true, "a": true, "a-b_9": true, strings.Repeat("a", 32): true,
		"": false, "9a": false, "-a": false, "Ndw": false, "n:w": false, "né": false, "a b": false, strings.Repeat("a", 33): false,
	} {
		if got := providers.ValidSourceName(name); got != want {
			t.Errorf("ValidSourceName(%q) = %v", name, got)
		}
	}
}

func TestNormalEVSEID_IgnoresCaseAndSeparators(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"NL*ABC*E123*4", "nl-abc-e123-4", "NLABCE1234", " NL*ABC E12_34\u00a0", "Nl*Abc*e1234"} {
		if got := providers.NormalEVSEID(id); got != "NLABCE1234" {
			t.Errorf("NormalEVSEID(%q) = %q", id, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := providers.NormalEVSEID(rapid.String().Draw(t, "id"))
		if twice := providers.NormalEVSEID(once); twice != once {
			t.Errorf("%q becomes %q", once, twice)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"ocm:1", "ocpi:ndw:NL*ABC*1", "plugshare:99~8", "ocpplab:12/loc-42", "ocm:a:b:c", "ocpı:x:y", "ocm:\xff", "::", "ocm::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := providers.ParseKey(s)
		if err != nil {
			if k != "" {
				t.Errorf("%q with error %v", k, err)
			}
			return
		}
		if string(k) != s || string(providers.NewKey(k.SourceID(), k.ExternalID())) != s {
			t.Errorf("%q became %q, of %q and %q", s, k, k.SourceID(), k.ExternalID())
		}
		if !k.SourceID().Provider().Known() || k.ExternalID() == "" {
			t.Errorf("%q is of source %q, id %q", s, k.SourceID(), k.ExternalID())
		}
		if id, err := providers.ParseID(providers.POIID(k)); err != nil || id.Key != k {
			t.Errorf("as a POI %q is %+v, %v", s, id, err)
		}
		if id := providers.NormalEVSEID(s); providers.NormalEVSEID(id) != id {
			t.Errorf("%q becomes %q", id, providers.NormalEVSEID(id))
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"poi:ocm:1", "record:ocpi:ndw:NL*ABC*1", "comment:ocm:1:5", "photo:plugshare:99~8:7", "operator:ocm:5", "source:ocpi:ndw",
		"operator:ocpı:5", "comment:ocm:1", "poi:", ":", "source:ocm:", "operator:plugſhare:1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := providers.ParseID(s)
		if err != nil {
			if id != (providers.ID{}) {
				t.Errorf("%+v with error %v", id, err)
			}
			return
		}
		if id.String() != s {
			t.Errorf("%q became %q", s, id)
		}
		kinds := map[string]providers.Kind{
			"poi": providers.KindPOI, "record": providers.KindRecord, "comment": providers.KindComment,
			"photo": providers.KindPhoto, "operator": providers.KindOperator, "source": providers.KindSource,
		}
		if prefix, _, _ := strings.Cut(s, ":"); kinds[prefix] != id.Kind {
			t.Errorf("%q is of kind %v", s, id.Kind)
		}
	})
}

func ExampleParseID() {
	id, err := providers.ParseID("comment:ocpi:ndw:NL*ABC*LOC1:42")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println("comment", id.External, "on", id.Key.ExternalID(), "of", id.Key.SourceID())
	_, err = providers.ParseID("1234")
	fmt.Println(err)
	// Output:
	// comment 42 on NL*ABC*LOC1 of ocpi:ndw
	// not a valid id: ids look like poi:ocm:1234, comment:ocm:1234:5, photo:ocm:1234:7, operator:ocm:5, record:ocm:1234 or source:ocm
}
