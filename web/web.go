// Package web holds what a browser loads: the playground and its example
// queries.
//
// There are two playgrounds. The small one is a page of ours and needs nothing
// but Go. The other is GraphiQL, which `make web` fetches and bundles into dist;
// a program built before that has the small one.
package web

import (
	"embed"
	"io/fs"
)

//go:embed examples.json icon.svg small
var own embed.FS

//go:embed all:dist
var dist embed.FS

// Playground returns the files of the playground: index.html, which is an
// html/template over struct{Sandbox, SDL bool}, and the files that it loads from
// playground/, beside examples.json and icon.svg.
//
// bundled says that it is GraphiQL. Then texts are compressed, so that
// "app-1A2B3C4D.js.gz" is to be served as "app-1A2B3C4D.js"; and every name but
// that of index.html and licenses.txt holds a hash of the content, and stands
// for it for ever.
func Playground() (files fs.FS, bundled bool, err error) {
	if _, absent := fs.Stat(dist, "dist/index.html"); absent == nil {
		files, err = fs.Sub(dist, "dist")
		return files, true, err
	}
	files, err = fs.Sub(own, "small")
	return files, false, err
}

// Examples returns examples.json, a list of example queries. The server reads
// it, leaves out what its schema does not offer, and serves the rest.
func Examples() ([]byte, error) { return own.ReadFile("examples.json") }

// Icon returns the picture of a browser's tab, as SVG.
func Icon() ([]byte, error) { return own.ReadFile("icon.svg") }
