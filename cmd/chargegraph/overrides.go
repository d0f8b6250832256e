package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"chargegraph/loaders"
	"chargegraph/providers/conflate"
)

// loadOverrides gives a catalog the pairs that people have decided about.
func loadOverrides(catalog *loaders.Catalog, path string) error {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("conflation.overrides: %w", err)
	}
	overrides, err := conflate.ReadOverrides(file)
	_ = file.Close() // it was only read
	if err != nil {
		return fmt.Errorf("conflation.overrides: %s: %w", path, err)
	}
	catalog.SetOverrides(overrides)
	return nil
}

// onHangUp calls f for every SIGHUP until the function that it returns is called,
// which waits for a call under way.
func onHangUp(f func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-signals:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}
