package conflate

import (
	"testing"

	"chargegraph/providers"
)

func TestMemory_HoldsWhatWasAskedForLast(t *testing.T) {
	t.Parallel()
	var m Memory
	made := 0
	ask := func(r *providers.Record) *facts {
		return m.facts(r, func() *facts {
			made++
			return &facts{title: string(r.Key)}
		})
	}
	favourite := &providers.Record{Key: "ocm:1"}
	records := make([]providers.Record, 5*remembered)
	for i := range records {
		records[i].Key = "ocm:2"
		if f := ask(&records[i]); f.title != "ocm:2" {
			t.Fatalf("the facts are those of %q", f.title)
		}
		if i%1000 == 0 && ask(favourite).title != "ocm:1" {
			t.Fatal("the facts of one are those of another")
		}
	}
	if made != len(records)+1 {
		t.Errorf("%d facts were worked out of %d records, one of them asked for again and again", made, len(records)+1)
	}
	if n := len(m.young) + len(m.old); n > 2*remembered || n <= remembered {
		t.Errorf("%d are held, want between %d and twice as many", n, remembered)
	}
	made = 0
	for i := range records[:100] {
		ask(&records[i])
	}
	if made != 100 {
		t.Errorf("of the first 100 %d are still held", 100-made)
	}
}
