package providers

import (
	"slices"
	"time"
)

// Node is anything that has an id in the graph: *POI, *Record, *Comment,
// *Photo, *Operator or *Source.
type Node any

// SourcePolicy says which sources are asked and merged at all. The zero policy
// asks all of them. Ids are those of Source.NodeID.
type SourcePolicy struct {
	Include    []ProviderCode
	Exclude    []ProviderCode
	Require    []ProviderCode // the question fails when one of these does
	IncludeIDs []string
	ExcludeIDs []string
	RequireIDs []string
	MaxAge     *time.Duration // older cached answers are not good enough; nil: the source's own policy
	AllowStale *bool          // an aged answer is better than none; nil: true
	Timeout    *time.Duration // how long to wait for any one source; nil: the source's own
}

// Wants reports whether s is to be asked. Include and IncludeIDs add up: a
// source is in when either names it.
func (p *SourcePolicy) Wants(s *Source) bool {
	if p == nil {
		return true
	}
	if slices.Contains(p.Exclude, s.Provider) || slices.Contains(p.ExcludeIDs, s.NodeID()) {
		return false
	}
	if len(p.Include)+len(p.IncludeIDs) == 0 {
		return true
	}
	return slices.Contains(p.Include, s.Provider) || slices.Contains(p.IncludeIDs, s.NodeID())
}

// All reports whether every source is to be asked.
func (p *SourcePolicy) All() bool {
	return p == nil || len(p.Include)+len(p.Exclude)+len(p.IncludeIDs)+len(p.ExcludeIDs) == 0
}

// Requires reports whether the question fails when s does.
func (p *SourcePolicy) Requires(s *Source) bool {
	return p != nil && (slices.Contains(p.Require, s.Provider) || slices.Contains(p.RequireIDs, s.NodeID()))
}
