package providers_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func operatorKnownAs(ids ...string) *providers.Operator {
	o := &providers.Operator{ID: "operator:" + ids[0], IsNetwork: true}
	for _, id := range ids {
		parsed, err := providers.ParseID("operator:" + id)
		if err != nil {
			panic(err)
		}
		o.Records = append(o.Records, providers.OperatorRecord{Provider: parsed.Source.Provider(), ExternalID: parsed.External})
	}
	return o
}

func TestOperator_IsTheSameDifferentOrNeither(t *testing.T) {
	t.Parallel()
	standIn := operatorKnownAs("ocm:44")
	standIn.IsNetwork = false
	for sentence, c := range map[string]struct {
		a, b         *providers.Operator
		same, differ bool
	}{
		"nobody is neither":                         {nil, operatorKnownAs("ocm:5"), false, false},
		"nobody and nobody are neither":             {nil, nil, false, false},
		"one id is one company":                     {operatorKnownAs("ocm:5"), operatorKnownAs("ocm:5"), true, false},
		"two ids of one directory are two":          {operatorKnownAs("ocm:5"), operatorKnownAs("ocm:9"), false, true},
		"ids of two directories say nothing":        {operatorKnownAs("ocm:5"), operatorKnownAs("ocpi:NL*ABC"), false, false},
		"a stand-in is not even itself":             {standIn, standIn, false, false},
		"a stand-in differs from nobody":            {standIn, operatorKnownAs("ocm:5"), false, false},
		"the crosswalk joins":                       {providers.NewOperator(providers.OCM, "3534", "Tesla"), providers.NewOperator(providers.PlugShare, "8", "Supercharger"), true, false},
		"the crosswalk parts":                       {providers.NewOperator(providers.OCM, "5", "ChargePoint"), providers.NewOperator(providers.PlugShare, "8", "Supercharger"), false, true},
		"one common id of several is one company":   {operatorKnownAs("ocm:5", "ocm:6"), operatorKnownAs("ocm:6"), true, false},
		"a common id counts wherever it stands":     {operatorKnownAs("ocm:7", "plugshare:1"), operatorKnownAs("ocm:8", "plugshare:1"), true, false},
		"several ids without a common one are two":  {operatorKnownAs("ocm:5", "ocm:6"), operatorKnownAs("ocm:7", "ocm:8"), false, true},
		"the names of a company do not make it one": {providers.NewOperator(providers.OCM, "90001", "Tesla"), providers.NewOperator(providers.OCM, "23", "Tesla"), false, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]*providers.Operator{{c.a, c.b}, {c.b, c.a}} {
				if got := pair[0].SameAs(pair[1]); got != c.same {
					t.Errorf("SameAs() = %v", got)
				}
				if got := pair[0].DiffersFrom(pair[1]); got != c.differ {
					t.Errorf("DiffersFrom() = %v", got)
				}
			}
		})
	}
}

// A party publishes for others too: it is the company only under its names.
func TestOperator_APartyOfOCPIIsACompanyByItsName(t *testing.T) {
	t.Parallel()
	allego := providers.NewOperator(providers.OCM, "103", "Allego BV")
	for title, same := range map[string]bool{"Allego": true, "ALLEGO BV": true, "NL*ALL": true, "": true, "Gemeente Delft": false} {
		o := providers.NewOperator(providers.OCPI, "NL*ALL", title)
		if same && (o.ID != allego.ID || !o.SameAs(allego)) {
			t.Errorf("%q is %s", title, o.ID)
		}
		if !same && o.ID != "operator:ocpi:NL*ALL" {
			t.Errorf("%q is %s", title, o.ID)
		}
	}
}

func TestOperator_IsFoundByNameOnlyWhereThereAreNoIDs(t *testing.T) {
	t.Parallel()
	const afdc = providers.ProviderCode("AFDC")
	chargePoint := providers.NewOperator(providers.PlugShare, "1", "ChargePoint")
	for name, same := range map[string]bool{"ChargePoint Network": true, "CHARGEPOINT": true, "Chargepoint Austria": false} {
		o := providers.NewOperatorNamed(afdc, name)
		if o.SameAs(chargePoint) != same || !o.SameAs(providers.NewOperatorNamed(afdc, strings.ToLower(name))) {
			t.Errorf("%q is %s", name, o.ID)
		}
	}
	blink, other := providers.NewOperatorNamed(afdc, "Blink Network"), providers.NewOperatorNamed(afdc, "Somebody")
	if !blink.DiffersFrom(chargePoint) || !blink.DiffersFrom(other) || other.DiffersFrom(chargePoint) || other.SameAs(chargePoint) {
		t.Error("names do not tell companies apart as ids do")
	}
}

func TestOperator_EveryIDOfACompanyLeadsToIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]providers.ProviderCode{providers.OCM, providers.PlugShare, providers.OCPI}).Draw(t, "provider")
		o := providers.NewOperator(code, rapid.StringMatching(`[1-9][0-9]{0,3}`).Draw(t, "id"), "Name")
		for _, r := range o.Records {
			again := providers.NewOperator(r.Provider, r.ExternalID, r.Title)
			if !again.SameAs(o) || !o.SameAs(again) || again.DiffersFrom(o) {
				t.Errorf("%s:%s is %s, by way of %s", r.Provider, r.ExternalID, again.ID, o.ID)
			}
			if r.Provider != providers.OCM && code != providers.OCM && again.ID != o.ID {
				t.Errorf("one company is %s and %s", again.ID, o.ID)
			}
			if !o.Is(providers.OperatorID(r.Provider, r.ExternalID)) {
				t.Errorf("%s is not %s:%s", o.ID, r.Provider, r.ExternalID)
			}
		}
		if !o.Is(o.ID) || o.Title != "Name" && !slices.Contains(o.Aliases, "Name") {
			t.Errorf("%+v", o)
		}
	})
}

func TestOperator_FillTakesOverOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := func(tag string) *providers.Operator {
		o := &providers.Operator{IsNetwork: true, Address: &providers.Address{Town: tag}, IsPrivateIndividual: new(tag == "p"), IsRestrictedEdit: new(tag == "p")}
		for _, f := range reflect.ValueOf(o).Elem().Fields() {
			if f.Kind() == reflect.String {
				f.SetString(tag)
			}
		}
		o.Aliases, o.Countries = []string{tag + " Ltd", "Both"}, []string{tag, "NL"}
		o.Records = []providers.OperatorRecord{{Provider: providers.OCM, ExternalID: tag}, {Provider: providers.OCPI, ExternalID: "NL*X"}}
		return o
	}
	// What has everything keeps it, and learns names, countries and ids.
	o, p := whole("o"), whole("p")
	o.Fill(p)
	want := whole("o")
	want.Aliases, want.Countries = []string{"o Ltd", "Both", "p", "p Ltd"}, []string{"o", "NL", "p"}
	want.Records = append(want.Records, providers.OperatorRecord{Provider: providers.OCM, ExternalID: "p"})
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("Fill() mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(whole("p"), p); diff != "" {
		t.Errorf("Fill() changed the other (-want +got):\n%s", diff)
	}
	// What has nothing takes all but the name and the id.
	bare := &providers.Operator{ID: "p", Title: "P", IsNetwork: true}
	bare.Fill(p)
	want = whole("p")
	want.Title = "P"
	if diff := cmp.Diff(want, bare); diff != "" {
		t.Errorf("Fill() mismatch (-want +got):\n%s", diff)
	}
	again := *bare
	again.Fill(p)
	if diff := cmp.Diff(bare, &again); diff != "" {
		t.Errorf("filled twice it differs (-want +got):\n%s", diff)
	}
}
