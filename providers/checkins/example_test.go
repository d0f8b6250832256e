package checkins_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"chargegraph/providers"
	"chargegraph/providers/checkins"
)

// A check-in of a site that no provider takes check-ins for is kept here, is shown
// there, and is answered alike when an app that heard no answer submits it again.
func ExampleService() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "checkins")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := checkins.OpenSQLite(ctx, filepath.Join(dir, "checkins.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()

	plugshare := &providers.Source{ID: "plugshare", Provider: providers.PlugShare}
	poi := &providers.POI{Members: []*providers.Record{{Key: "plugshare:99~8", Source: plugshare}}}
	service, err := checkins.NewService(store, checkins.Config{
		POI:   func(context.Context, string) (*providers.POI, error) { return poi, nil },
		Taker: func(providers.SourceID) (providers.CheckInTaker, bool) { return nil, false },
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		entry, replayed, err := service.Submit(ctx, "app", providers.Submission{
			IdempotencyKey: "drive-17", POIID: "poi:plugshare:99",
			Report: providers.Report{Outcome: providers.CheckInCharged, Text: "Both plugs work."},
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.State(), entry.CheckIn().Deliveries[0].Provider, replayed)
	}
	for _, comment := range checkins.Merge(nil, service.Pending([]providers.Key{"plugshare:99~8"})) {
		fmt.Println(comment.Text, comment.Provider(), comment.Pending)
	}
	// Output:
	// DELIVERED LOCAL false
	// DELIVERED LOCAL true
	// Both plugs work. LOCAL false
}
