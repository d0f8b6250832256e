package ocm

import (
	"runtime"
	"testing"
	"time"
	"chargegraph/providers"
)

func TestSmoke(t *testing.T) {
	for _, f := range []string{"compact.jsonl.gz", "verbose.json.gz"} {
		e, err := OpenExport(MirrorConfig{ID: "ocm", Path: "/tmp/ocmbig/" + f})
		if err != nil { t.Fatal(err) }
		n := time.Now()
		var all []*providers.Record
		rep, err := e.Read(t.Context(), func(r *providers.Record) error { all = append(all, r); return nil })
		d := time.Since(n)
		runtime.GC()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		t.Logf("%s %+v %v %v %d MB", f, rep, err, d, ms.HeapAlloc>>20)
		runtime.KeepAlive(all)
	}
}
