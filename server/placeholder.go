package server

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/ast"
)

// shape is what the executor writes for a selection, as far as placeholders are
// told from it: members by their names in the answer. nil: nothing is known.
type shape struct {
	nonNull bool // the member is never null, as the schema says
	members map[string]*shape
}

// shapeOfSelection returns the shape of what is selected. Documents without cycles
// of fragments have one; others are not executed.
func shapeOfSelection(set ast.SelectionSet) *shape {
	s := &shape{members: make(map[string]*shape)}
	s.add(set)
	return s
}

func (s *shape) add(set ast.SelectionSet) {
	for _, selection := range set {
		switch selected := selection.(type) {
		case *ast.Field:
			member := s.members[selected.Alias]
			if member == nil {
				member = &shape{members: make(map[string]*shape)}
				s.members[selected.Alias] = member
			}
			// Members of one name are all null or none: validation holds that.
			member.nonNull = selected.Definition != nil && selected.Definition.Type.NonNull
			member.add(selected.SelectionSet)
		case *ast.InlineFragment:
			s.add(selected.SelectionSet)
		case *ast.FragmentSpread:
			if selected.Definition != nil {
				s.add(selected.Definition.SelectionSet)
			}
		}
	}
}

// withoutPlaceholders returns data without the members that are null and cannot
// be: the executor writes null where something deferred is to follow, which
// clients would take for a value. Such a member is missing until it comes.
func (s *shape) withoutPlaceholders(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return data, nil
	}
	var out bytes.Buffer
	p := pruning{jsontext.NewDecoder(bytes.NewReader(data)), jsontext.NewEncoder(&out)}
	if err := p.value(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

type pruning struct {
	from *jsontext.Decoder
	to   *jsontext.Encoder
}

func (p *pruning) value(s *shape) error {
	switch kind := p.from.PeekKind(); {
	case kind == jsontext.KindBeginObject && s != nil:
		return p.within(jsontext.KindEndObject, func() error {
			token, err := p.from.ReadToken()
			if err != nil {
				return err
			}
			name := token.String() // the token is good until the next one is looked at
			member := s.members[name]
			if member != nil && member.nonNull && p.from.PeekKind() == jsontext.KindNull {
				return p.from.SkipValue()
			}
			if err = p.to.WriteToken(jsontext.String(name)); err != nil {
				return err
			}
			return p.value(member)
		})
	case kind == jsontext.KindBeginArray && s != nil:
		return p.within(jsontext.KindEndArray, func() error { return p.value(s) })
	}
	value, err := p.from.ReadValue()
	if err != nil {
		return err
	}
	return p.to.WriteValue(value)
}

// within copies the brackets of an object or a list, and has each copy what stands
// between them.
func (p *pruning) within(end jsontext.Kind, each func() error) error {
	bracket := func() error {
		token, err := p.from.ReadToken()
		if err != nil {
			return err
		}
		return p.to.WriteToken(token)
	}
	if err := bracket(); err != nil {
		return err
	}
	for p.from.PeekKind() != end {
		if err := each(); err != nil {
			return err
		}
	}
	return bracket()
}
