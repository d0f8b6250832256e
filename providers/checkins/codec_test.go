package checkins

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func TestIDs_SortByTimeAndAreNeverTheSame(t *testing.T) {
	var made []string
	for i := range 1000 {
		id := newID(noon.Add(time.Duration(i) * time.Millisecond))
		if !validID(id) || len(id) != len("checkin:")+26 {
			t.Fatalf("newID() = %q", id)
		}
		made = append(made, id)
	}
	if !slices.IsSorted(made) {
		t.Error("later ids sort before earlier ones")
	}
	if a, b := newID(noon), newID(noon); a == b {
		t.Errorf("twice %s", a)
	}
	good := newID(noon)
	for _, bad := range []string{"", "checkin:", strings.ToUpper(good), good + "0", good[:len(good)-1], strings.TrimPrefix(good, "checkin:"), good[:len(good)-1] + "z", "poi:ocm:1"} {
		if validID(bad) {
			t.Errorf("validID(%q)", bad)
		}
	}
}

// drawEntry draws an entry as a Service and its workers can have written it.
func drawEntry(rt *rapid.T) *Entry {
	at := rapid.Custom(func(rt *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(0, 4102444800000).Draw(rt, "ms")).UTC()
	})
	text := rapid.StringN(0, 30, -1)
	e := &Entry{
		ID: newID(noon), Version: rapid.Int64Range(1, 1<<52).Draw(rt, "version"),
		Caller: "a" + text.Draw(rt, "caller"), Key: "k" + text.Draw(rt, "key"), Hash: "00",
		Report: providers.Report{
			Outcome: rapid.SampledFrom([]providers.CheckInOutcome{providers.CheckInCharged, providers.CheckInNotFound}).Draw(rt, "outcome"),
			Kind:    providers.CommentFaultReport, Text: text.Draw(rt, "text"), UserName: text.Draw(rt, "name"), RelatedURL: text.Draw(rt, "url"),
		},
		POIID: "poi:ocm:1", Members: []providers.Key{"ocm:1"}, Marker: text.Draw(rt, "marker"),
		CreatedAt: at.Draw(rt, "created"), UpdatedAt: at.Draw(rt, "updated"),
	}
	if rapid.Bool().Draw(rt, "rated") {
		e.Report.Rating = new(rapid.IntRange(1, 5).Draw(rt, "rating"))
		e.Token = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(rt, "token")
		e.RetriedAt = at.Draw(rt, "retried")
	}
	for range rapid.IntRange(1, 3).Draw(rt, "targets") {
		t := Target{
			Provider: providers.OCM, Source: "ocm", Record: "ocm:1", UpdatedAt: at.Draw(rt, "updated"),
			State: rapid.SampledFrom([]providers.DeliveryState{
				providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed,
				providers.DeliveryDelivered, providers.DeliveryRejected, providers.DeliveryUnsupported, providers.DeliveryFailed,
			}).Draw(rt, "state"),
			Attempts: rapid.IntRange(0, 30).Draw(rt, "attempts"), ExternalID: text.Draw(rt, "external"), OwnToken: rapid.Bool().Draw(rt, "own"),
			Doubt: rapid.IntRange(0, 2).Draw(rt, "doubt"), Unclear: rapid.IntRange(0, 9).Draw(rt, "unclear"), Blind: rapid.IntRange(0, 9).Draw(rt, "blind"),
			Lease: text.Draw(rt, "lease"), LeasedUntil: at.Draw(rt, "leased"), NextAt: at.Draw(rt, "next"),
			Lost: rapid.SampledFrom([][]string{nil, {"rating"}}).Draw(rt, "lost"),
		}
		for range rapid.IntRange(0, 3).Draw(rt, "sent") {
			t.SentAt = append(t.SentAt, at.Draw(rt, "at"))
		}
		if rapid.Bool().Draw(rt, "trouble") {
			t.Error = &providers.SourceError{Code: providers.CodeTimeout, Message: text.Draw(rt, "message")}
		}
		e.Targets = append(e.Targets, t)
	}
	return e
}

func TestEntry_IsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEntry(rt)
		b, err := encode(e)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := decode(b)
		if diff := cmp.Diff(e, got); diff != "" || err != nil {
			rt.Fatalf("decode(%s) = %v, mismatch (-want +got)\n%s", b, err, diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, e := range []*Entry{newEntry("app", "k"), fresh("k"), finished(newEntry("app", "k"), noon)} {
		b, err := encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"id":"checkin:","targets":[{}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decode(b)
		if err != nil {
			return
		}
		again, err := encode(e)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		second, err := decode(again)
		if diff := cmp.Diff(e, second); diff != "" || err != nil {
			t.Fatalf("decode() of what encode wrote = %v, mismatch (-want +got)\n%s", err, diff)
		}
		_, _, _ = e.State(), e.dueAt(), e.doneAt()
		_ = e.CheckIn()
	})
}

func FuzzImport(f *testing.F) {
	body, err := encode(newEntry("app", "k"))
	if err != nil {
		f.Fatal(err)
	}
	head := `{"format":"chargegraph check-ins","schema":1}` + "\n"
	f.Add([]byte(head + `{"checkIn":` + string(body) + "}\n" + `{"alias":{"key":"ocm:1","companions":["ocm:2"]}}` + "\n"))
	f.Add([]byte(head))
	f.Add([]byte(""))
	s, err := OpenSQLite(f.Context(), filepath.Join(f.TempDir(), "checkins.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	if _, err := s.conn.ExecContext(f.Context(), "PRAGMA synchronous = OFF"); err != nil { // the power stays on
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := Import(t.Context(), s, bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := Import(t.Context(), s, bytes.NewReader(b))
		if err != nil || again.New != 0 || again.Newer != 0 || again.Same != first.New+first.Newer+first.Same {
			t.Fatalf("Import() = %+v, and again %+v, %v", first, again, err)
		}
		var out bytes.Buffer
		if err := Export(t.Context(), s, &out); err != nil {
			t.Fatalf("imported and not exported: %v", err)
		}
	})
}
