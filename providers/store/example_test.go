package store_test

import (
	"fmt"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

func Example() {
	var s store.Store

	// An import puts everything in at once.
	l := s.NewLoader()
	for _, r := range []*providers.Record{
		record("1", 52.3731, 4.8926, "NL"),
		record("2", 51.5074, -0.1278, "GB"),
		record("3", 152.5, 4.9, "NL"),
	} {
		if err := l.Add(r); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%+v\n", l.Commit(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)))

	// A synchronisation changes it in small steps.
	if err := s.Apply([]*providers.Record{record("4", 52.37, 4.9, "NL")}, []providers.Key{"ocm:2"}); err != nil {
		fmt.Println(err)
	}
	for _, r := range s.Search(providers.Around{Center: providers.Point{Lat: 52.372, Lon: 4.9}, RadiusM: 300}) {
		fmt.Println(r.Key, "of", s.Len())
	}
	// Output:
	// store: record ocm:3 refused: no position on Earth is lat 152.5, lon 4.9
	// {Records:2 Duplicates:0}
	// ocm:4 of 2
}
