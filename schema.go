// Package chargegraph holds the schema of the service, and how the graph is
// generated from it. The program is cmd/chargegraph.
package chargegraph

import _ "embed"

//go:generate go tool gqlgen generate

// SDL is the text of schema.graphqls.
//
//go:embed schema.graphqls
var SDL string
