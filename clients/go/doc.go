// Package chargegraph is a typed client of a chargegraph service, to copy and
// change: generated.go has a function for each operation of operations.graphql,
// and the types that it needs and no others. Write your own operations there and
// run go generate.
//
// What a source does not tell is a nil pointer, never a zero.
package chargegraph

//go:generate go tool genqlient
