package ocm

import (
	"slices"
	"strconv"
	"strings"

	"chargegraph/providers"
)

// maxPushed bounds the ids of one list, which keeps the URL short; a longer
// list is not pushed down.
const maxPushed = 100

// pushDown returns the parts of a filter that OCM can apply, for questions
// whose answer cannot be whole: then it had better be filled with what is
// wanted. Nothing is pushed down that could keep out a record that matches: OCM
// drops rows whose value is null, joins lists with AND and knows no NOT. The
// result is never nil.
func pushDown(f *providers.Filter, countryID func(string) (int, bool)) map[string]string {
	pushed := make(map[string]string)
	if f == nil {
		return pushed
	}
	set := func(name string, ids []int, ok bool) {
		if ok && len(ids) > 0 && len(ids) <= maxPushed {
			pushed[name] = intList(ids)
		}
	}
	if ids, ok := eachID(f.Countries, countryID); ok {
		set("countryid", ids, true)
	}
	if ids, ok := connectionTypeIDs(f.Connections); ok {
		set("connectiontypeid", ids, true)
	}
	if v, ok := powerBound(f.Connections, func(m *providers.ConnectionMatch) *float64 { return m.MinPowerKW }, func(a, b float64) float64 { return min(a, b) }); ok {
		pushed["minpowerkw"] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	if v, ok := powerBound(f.Connections, func(m *providers.ConnectionMatch) *float64 { return m.MaxPowerKW }, func(a, b float64) float64 { return max(a, b) }); ok {
		pushed["maxpowerkw"] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	ids, ok := operatorNumbers(f.OperatorIDs)
	set("operatorid", ids, ok)
	// Two lists about one field combine with AND: either may be sent alone.
	if ids, ok = eachID(f.UsageTypeIDs, rowNumber); ok && len(ids) > 0 {
		set("usagetypeid", ids, true)
	} else {
		ids, ok = idsOf(f.Usage, providers.UsageUnknown, 8, usageKind)
		set("usagetypeid", ids, ok)
	}
	if ids, ok = eachID(f.StatusTypeIDs, rowNumber); ok && len(ids) > 0 {
		set("statustypeid", ids, true)
	} else {
		ids, ok = idsOf(f.Status, providers.StatusUnknown, statusDuplicate, operationalStatus)
		set("statustypeid", ids, ok)
	}
	ids, ok = eachID(f.DataProviderIDs, rowNumber)
	set("dataproviderid", ids, ok)
	if f.OpenData != nil {
		pushed["opendata"] = strconv.FormatBool(*f.OpenData)
	}
	return pushed
}

// eachID turns every entry of a list into one of OCM's ids; ok is false if one
// has none, for the list would then keep out what that entry asks for.
func eachID(list []string, id func(string) (int, bool)) (ids []int, ok bool) {
	for _, s := range list {
		n, ok := id(s)
		if !ok {
			return nil, false
		}
		ids = append(ids, n)
	}
	return ids, true
}

// rowNumber reads the id of a reference row. Row 0 means unknown, which rows
// with null mean as well, and those OCM never finds.
func rowNumber(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n > 0
}

// operatorNumbers returns OCM's numbers of operators, all of them where OCM has
// a company several times. ok is false if one of the operators is not known to
// be one of OCM's: it may be one all the same.
func operatorNumbers(list []string) (ids []int, ok bool) {
	for _, s := range list {
		id, err := providers.ParseID(s)
		if err != nil || id.Kind != providers.KindOperator {
			return nil, false
		}
		found := false
		for _, r := range providers.NewOperator(id.Source.Provider(), id.External, "").Records {
			if r.Provider != providers.OCM {
				continue
			}
			n, valid := rowNumber(r.ExternalID)
			if !valid {
				return nil, false
			}
			ids, found = append(ids, n), true
		}
		if !found {
			return nil, false
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), true
}

// idsOf returns the ids below limit that stand for one of the wanted values.
// ok is false where none is wanted or where unknown is, which null means too.
func idsOf[T comparable](wanted []T, unknown T, limit int, value func(int) T) (ids []int, ok bool) {
	if len(wanted) == 0 || slices.Contains(wanted, unknown) {
		return nil, false
	}
	for id := range limit {
		if v := value(id); v != unknown && slices.Contains(wanted, v) {
			ids = append(ids, id)
		}
	}
	return ids, true
}

// connectionTypeIDs returns the ids of all plugs that any of the matches could
// mean; ok is false if one of them means plugs that have no id.
func connectionTypeIDs(matches []providers.ConnectionMatch) (ids []int, ok bool) {
	const limit = 2000 // OCM's ids end at 1044 in 2026
	for i := range matches {
		m := &matches[i]
		some, ok := eachID(m.ConnectionTypeIDs, rowNumber)
		if !ok || len(some) == 0 {
			some, ok = idsOf(m.Types, providers.ConnectorUnknown, limit, connectorType)
		}
		if !ok {
			return nil, false
		}
		ids = append(ids, some...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), true
}

// powerBound returns the widest bound of all matches; ok is false if one has
// none, or takes an unknown power too.
func powerBound(matches []providers.ConnectionMatch, bound func(*providers.ConnectionMatch) *float64, widest func(a, b float64) float64) (kw float64, ok bool) {
	for i := range matches {
		b := bound(&matches[i])
		if b == nil || matches[i].IncludeUnknownPower {
			return 0, false
		}
		if i == 0 {
			kw = *b
		}
		kw = widest(kw, *b)
	}
	return kw, kw >= 1 // OCM drops less
}

func intList(ids []int) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.Itoa(id)
	}
	return strings.Join(parts, ",")
}
