package ocm_test

import (
	"context"
	"fmt"
	"log"

	"chargegraph/providers"
	"chargegraph/providers/ocm"
)

// A mirror is opened, and its records handed to whatever holds them.
func ExampleOpenExport() {
	export, err := ocm.OpenExport(ocm.MirrorConfig{ID: "ocm", Path: "testdata/poi-compact.json"})
	if err != nil {
		log.Fatal(err)
	}
	report, err := export.Read(context.Background(), func(r *providers.Record) error {
		fmt.Println(r.Key, r.Title, r.Status, r.Cost)
		fmt.Println(r.Attribution.Text)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Kept, "kept,", report.Hidden, "hidden,", report.Broken, "broken")
	// Output:
	// ocm:1234 Town Hall PARTLY_OPERATIONAL PAID
	// UK National Charge Point Registry; Data © OpenStreetMap contributors, ODbL 1.0
	// 1 kept, 0 hidden, 0 broken
}
