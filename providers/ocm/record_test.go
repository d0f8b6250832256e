package ocm

import (
	"strings"
	"testing"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
)

// checkRecord checks what holds for every finished record.
func checkRecord(t *testing.T, r *providers.Record) {
	t.Helper()
	text := func(s string) {
		t.Helper()
		checkClean(t, s)
	}
	if r.Title == "" || r.Attribution == nil || r.Attribution.Text == "" || r.Source == nil || r.ExternalID == "" {
		t.Errorf("%s lacks what every record has: %+v", r.Key, r)
	}
	if _, err := providers.ParseKey(string(r.Key)); err != nil {
		t.Errorf("%s: %v", r.Key, err)
	}
	if !r.Location.Valid() || r.Location.IsNull() {
		t.Errorf("%s is at %+v", r.Key, r.Location)
	}
	if r.Usage == "" || r.Status == "" || r.Status == providers.StatusRemoved || r.Cost == "" {
		t.Errorf("%s: usage %q, status %q, cost %q", r.Key, r.Usage, r.Status, r.Cost)
	}
	for _, s := range []string{r.Title, r.UUID, r.Address.Line1, r.Address.Line2, r.Address.Town, r.Address.StateOrProvince, r.Address.Postcode, r.UsageCost, r.AccessComments, r.GeneralComments, r.Attribution.Text, r.Attribution.License} {
		text(s)
	}
	checkURL(t, r.URL)
	checkURL(t, r.Attribution.URL)
	if r.Contact != nil {
		checkURL(t, r.Contact.Website)
		text(r.Contact.Phone)
		text(r.Contact.Email)
	}
	if r.NumberOfPoints != nil && *r.NumberOfPoints < 1 {
		t.Errorf("%s has %d points", r.Key, *r.NumberOfPoints)
	}
	if o := r.Operator; o != nil {
		text(o.Title)
		if o.Title == "" || !o.Is(o.ID) || len(o.Records) == 0 || o.Is("operator:ocm:1") || o.Is("operator:ocm:0") {
			t.Errorf("%s is run by %+v", r.Key, o)
		}
	}
	if len(r.EVSEs)+len(r.Stations) > 0 {
		t.Errorf("%s has equipment that OCM does not know", r.Key)
	}
	ids := make(map[string]bool)
	unique := func(id string) {
		t.Helper()
		if ids[id] {
			t.Errorf("%s is not unique", id)
		}
		ids[id] = true
		if _, err := providers.ParseID(id); err != nil && !strings.HasPrefix(id, "connection:") {
			t.Error(err)
		}
	}
	for i := range r.Connections {
		c := &r.Connections[i]
		unique(c.ID())
		if c.Record != r || c.Type == "" || c.Current == "" || c.Status == "" || c.Format == "" {
			t.Errorf("%s: connection %+v", r.Key, c)
		}
		for _, v := range []*float64{c.PowerKW, c.VoltageV, c.CurrentA} {
			if v != nil && *v <= 0 {
				t.Errorf("%s: a quantity of %v", r.Key, *v)
			}
		}
		if c.Quantity != nil && *c.Quantity < 1 {
			t.Errorf("%s: %d connections", r.Key, *c.Quantity)
		}
	}
	for i := range r.Comments {
		c := &r.Comments[i]
		unique(c.ID())
		text(c.Text)
		checkURL(t, c.RelatedURL)
		if c.Record != r || c.Kind == "" || c.Rating != nil && (*c.Rating < 1 || *c.Rating > 5) {
			t.Errorf("%s: comment %+v", r.Key, c)
		}
		if i > 0 && c.CreatedAt.After(r.Comments[i-1].CreatedAt) {
			t.Errorf("%s: comments are not newest first", r.Key)
		}
		if c.Author != nil {
			text(c.Author.DisplayName)
			checkURL(t, c.Author.Avatar)
		}
	}
	for i := range r.Photos {
		p := &r.Photos[i]
		unique(p.ID())
		text(p.Caption)
		checkURL(t, p.URL)
		checkURL(t, p.Thumbnail)
		if p.Record != r || p.URL == "" {
			t.Errorf("%s: photo %+v", r.Key, p)
		}
	}
}

// checkClean checks a text of a record.
func checkClean(t *testing.T, s string) {
	t.Helper()
	if s != clean.Text(s) {
		t.Errorf("%q is not clean", s)
	}
}

// checkURL checks a URL of a record; there may be none.
func checkURL(t *testing.T, s string) {
	t.Helper()
	if s != clean.URL(s) {
		t.Errorf("%q is not an absolute http URL", s)
	}
}
