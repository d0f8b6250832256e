package providers

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key names a record for ever: "ocm:1234", "plugshare:99~8",
// "ocpi:ndw:NL*ABC*LOC1", "ocpplab:12/loc-42". It is the source's id and the
// record's id at that source.
type Key string

// NewKey returns the key of the record that source calls external.
func NewKey(source SourceID, external string) Key {
	return Key(string(source) + ":" + external)
}

// maxKeyLen bounds a key in bytes: a source id of 64, and OCPI's longest
// country, party and id with room to spare.
const maxKeyLen = 256

// ParseKey reads a key as written by NewKey. It returns an *IDError for
// anything that no source could have written.
func ParseKey(s string) (Key, error) {
	if !legible(s) {
		return "", &IDError{What: "record key"}
	}
	k := Key(s)
	source, external := k.split()
	if source == "" || external == "" || !source.valid() {
		return "", &IDError{What: "record key"}
	}
	return k, nil
}

// legible reports whether s may be part of an id at all.
func legible(s string) bool {
	return len(s) <= maxKeyLen && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// SourceID returns the id of the source that holds the record.
func (k Key) SourceID() SourceID {
	source, _ := k.split()
	return source
}

// ExternalID returns the record's id at its source.
func (k Key) ExternalID() string {
	_, external := k.split()
	return external
}

// Covers reports whether k names the record r, or the group that r is one part
// of: "plugshare:99" covers "plugshare:99~8", one network's part of a location.
func (k Key) Covers(r Key) bool {
	return r == k || strings.HasPrefix(string(r), string(k)+groupSeparator)
}

// groupSeparator parts the id of a group from that of its part in a key.
const groupSeparator = "~"

// split cuts the key behind its source id. A source id is "provider" or
// "provider:name"; OCPI sources are always named, the others are named only
// where an operator configured several, and then by a name that no external id
// of theirs can be: one that begins with a letter.
func (k Key) split() (SourceID, string) {
	provider, rest, ok := strings.Cut(string(k), ":")
	if !ok {
		return "", ""
	}
	if name, external, named := strings.Cut(rest, ":"); named && validName(name) {
		return SourceID(provider + ":" + name), external
	}
	return SourceID(provider), rest
}

// SourceID names a source for ever, as it stands in front of its records' keys:
// "ocm", "ocpi:ndw". Renaming a source renames its records.
type SourceID string

// NewSourceID returns the id of a source of provider code. An empty name, or
// the provider's own, gives the plain id.
func NewSourceID(code ProviderCode, name string) SourceID {
	plain := strings.ToLower(string(code))
	if name == "" || (name == plain && code != OCPI) {
		return SourceID(plain)
	}
	return SourceID(plain + ":" + name)
}

// Provider returns the source's provider; it is not Known for an id that names none.
func (s SourceID) Provider() ProviderCode {
	provider, _, _ := strings.Cut(string(s), ":")
	return ProviderCode(strings.ToUpper(provider))
}

func (s SourceID) valid() bool {
	provider, name, named := strings.Cut(string(s), ":")
	code := s.Provider() // upper case also for "ocpı", which is not lower-case OCPI
	return code.Known() && provider == strings.ToLower(string(code)) && (!named || validName(name))
}

// ValidSourceName reports whether name may stand in a configuration as the name
// of a source: a lower-case letter, then at most 31 lower-case letters, digits,
// hyphens or underscores.
func ValidSourceName(name string) bool { return validName(name) }

func validName(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// The prefixes of ids in the graph.
const (
	poiPrefix      = "poi:"
	recordPrefix   = "record:"
	commentPrefix  = "comment:"
	photoPrefix    = "photo:"
	operatorPrefix = "operator:"
	sourcePrefix   = "source:"
	checkInPrefix  = "checkin:"
)

// POIID returns the id of the POI whose root record has key k.
func POIID(k Key) string { return poiPrefix + string(k) }

// OperatorID returns the id of the operator whose first record is external at
// provider code: "operator:ocm:5".
func OperatorID(code ProviderCode, external string) string {
	return operatorPrefix + strings.ToLower(string(code)) + ":" + external
}

func childID(prefix string, k Key, external string) string {
	return prefix + string(k) + ":" + external
}

// Kind is what an id in the graph names.
type Kind int

// The kinds of node.
const (
	KindPOI Kind = iota + 1
	KindRecord
	KindComment
	KindPhoto
	KindOperator
	KindSource
	KindCheckIn
)

// ID is an id in the graph, taken apart.
type ID struct {
	Kind     Kind
	Key      Key      // of the record; not for operators and sources
	External string   // of the comment, photo, operator or check-in
	Source   SourceID // of a source; of an operator only its provider is meant
}

// String returns the id as it stands in the graph.
func (id ID) String() string {
	switch id.Kind {
	case KindPOI:
		return POIID(id.Key)
	case KindRecord:
		return recordPrefix + string(id.Key)
	case KindComment:
		return childID(commentPrefix, id.Key, id.External)
	case KindPhoto:
		return childID(photoPrefix, id.Key, id.External)
	case KindOperator:
		return OperatorID(id.Source.Provider(), id.External)
	case KindSource:
		return sourcePrefix + string(id.Source)
	case KindCheckIn:
		return checkInPrefix + id.External
	}
	return ""
}

// ParseID takes an id of the graph apart. It returns an *IDError for text that
// is no id of ours; an id that names nothing is no error here.
func ParseID(s string) (ID, error) {
	kind, rest, _ := strings.Cut(s, ":")
	switch kind + ":" {
	case poiPrefix:
		return recordID(KindPOI, rest)
	case recordPrefix:
		return recordID(KindRecord, rest)
	case commentPrefix:
		return recordChildID(KindComment, rest)
	case photoPrefix:
		return recordChildID(KindPhoto, rest)
	case operatorPrefix:
		provider, external, _ := strings.Cut(rest, ":")
		id := ID{Kind: KindOperator, Source: SourceID(provider), External: external}
		if !id.Source.valid() || external == "" || !legible(rest) {
			return ID{}, &IDError{What: "operator id"}
		}
		return id, nil
	case sourcePrefix:
		id := ID{Kind: KindSource, Source: SourceID(rest)}
		if !id.Source.valid() {
			return ID{}, &IDError{What: "source id"}
		}
		return id, nil
	case checkInPrefix:
		if rest == "" || !legible(rest) {
			return ID{}, &IDError{What: "check-in id"}
		}
		return ID{Kind: KindCheckIn, External: rest}, nil
	}
	return ID{}, &IDError{What: "id"}
}

func recordID(kind Kind, text string) (ID, error) {
	key, err := ParseKey(text)
	if err != nil {
		return ID{}, err
	}
	return ID{Kind: kind, Key: key}, nil
}

// recordChildID reads the id of what hangs on a record: the external id of a
// comment or a photo has no colon, so the last one parts it from the key.
func recordChildID(kind Kind, text string) (ID, error) {
	cut := strings.LastIndexByte(text, ':')
	if cut < 0 || cut == len(text)-1 {
		return ID{}, &IDError{What: "id"}
	}
	id, err := recordID(kind, text[:cut])
	if err != nil {
		return ID{}, err
	}
	id.External = text[cut+1:]
	if !legible(id.External) {
		return ID{}, &IDError{What: "id"}
	}
	return id, nil
}

// NormalEVSEID returns an EVSE id as ids are compared: upper case, without the
// separators that eMI3 makes optional. Two ids of one EVSE may differ in those.
func NormalEVSEID(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '*' || r == '-' || r == '_' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, id)
}

// IDError says that a text is not an id.
type IDError struct{ What string }

func (e *IDError) Error() string {
	return fmt.Sprintf("not a valid %s: ids look like poi:ocm:1234, comment:ocm:1234:5, photo:ocm:1234:7, operator:ocm:5, record:ocm:1234 or source:ocm", e.What)
}
