package providers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

func TestSourcePolicy_SaysWhoIsAskedAndWhoIsNeeded(t *testing.T) {
	t.Parallel()
	type policy = providers.SourcePolicy
	codes := func(c ...providers.ProviderCode) []providers.ProviderCode { return c }
	sources := []*providers.Source{
		{ID: "ocpi:eco", Provider: providers.OCPI},
		{ID: "ocpi:ndw", Provider: providers.OCPI},
		{ID: "ocm", Provider: providers.OCM},
		{ID: "plugshare", Provider: providers.PlugShare},
	}
	for name, c := range map[string]struct {
		policy *policy
		asked  []providers.SourceID
		needed []providers.SourceID
	}{
		"NoPolicyAsksAll":           {nil, []providers.SourceID{"ocpi:eco", "ocpi:ndw", "ocm", "plugshare"}, nil},
		"TheZeroPolicyAsksAll":      {&policy{}, []providers.SourceID{"ocpi:eco", "ocpi:ndw", "ocm", "plugshare"}, nil},
		"IncludeAsksNobodyElse":     {&policy{Include: codes(providers.OCPI)}, []providers.SourceID{"ocpi:eco", "ocpi:ndw"}, nil},
		"IncludesAddUp":             {&policy{Include: codes(providers.OCM), IncludeIDs: []string{"source:ocpi:ndw"}}, []providers.SourceID{"ocpi:ndw", "ocm"}, nil},
		"ExcludeWins":               {&policy{Include: codes(providers.OCPI), ExcludeIDs: []string{"source:ocpi:eco"}}, []providers.SourceID{"ocpi:ndw"}, nil},
		"ExcludeWinsOverIDs":        {&policy{IncludeIDs: []string{"source:ocpi:ndw"}, Exclude: codes(providers.OCPI)}, nil, nil},
		"IDsAreThoseOfTheGraph":     {&policy{IncludeIDs: []string{"ocpi:ndw", "source:tesla"}}, nil, nil},
		"RequireDoesNotExclude":     {&policy{Require: codes(providers.OCM)}, []providers.SourceID{"ocpi:eco", "ocpi:ndw", "ocm", "plugshare"}, []providers.SourceID{"ocm"}},
		"RequirementsAddUp":         {&policy{Require: codes(providers.OCM), RequireIDs: []string{"source:ocpi:eco"}, Include: codes(providers.OCM)}, []providers.SourceID{"ocm"}, []providers.SourceID{"ocpi:eco", "ocm"}},
		"AProviderMeansAllItsFeeds": {&policy{Exclude: codes(providers.OCPI, providers.PlugShare), Require: codes(providers.OCPI)}, []providers.SourceID{"ocm"}, []providers.SourceID{"ocpi:eco", "ocpi:ndw"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, needed []providers.SourceID
			for _, s := range sources {
				if c.policy.Wants(s) {
					asked = append(asked, s.ID)
				}
				if c.policy.Requires(s) {
					needed = append(needed, s.ID)
				}
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("Wants() mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.needed, needed); diff != "" {
				t.Errorf("Requires() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
