package ocm

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/wire"
)

// index finds the rows of a reference table by OCM's numbers. It is immutable.
type index struct {
	table           *providers.Reference
	connectionTypes map[int]*providers.ConnectionType
	currentTypes    map[int]*providers.CurrentType
	chargerTypes    map[int]*providers.ChargerType
	statusTypes     map[int]*providers.StatusType
	submissions     map[int]*providers.SubmissionStatus
	usageTypes      map[int]*providers.UsageType
	commentTypes    map[int]*providers.CommentType
	checkIns        map[int]*providers.CheckInStatusType
	dataProviders   map[int]*providers.DataProvider
	countries       map[int]*providers.Country
	operators       map[int]*providers.Operator
	countryIDs      map[string]int // by ISO code
	attributions    map[*providers.DataProvider]*providers.Attribution
}

func newIndex(t *providers.Reference) *index {
	x := &index{
		table:           t,
		connectionTypes: byID(t.ConnectionTypes, func(r *providers.ConnectionType) string { return r.ID }),
		currentTypes:    byID(t.CurrentTypes, func(r *providers.CurrentType) string { return r.ID }),
		chargerTypes:    byID(t.ChargerTypes, func(r *providers.ChargerType) string { return r.ID }),
		statusTypes:     byID(t.StatusTypes, func(r *providers.StatusType) string { return r.ID }),
		submissions:     byID(t.SubmissionStatuses, func(r *providers.SubmissionStatus) string { return r.ID }),
		usageTypes:      byID(t.UsageTypes, func(r *providers.UsageType) string { return r.ID }),
		commentTypes:    byID(t.CommentTypes, func(r *providers.CommentType) string { return r.ID }),
		checkIns:        byID(t.CheckInStatusTypes, func(r *providers.CheckInStatusType) string { return r.ID }),
		dataProviders:   byID(t.DataProviders, func(r *providers.DataProvider) string { return r.ID }),
		countries:       byID(t.Countries, func(r *providers.Country) string { return r.ID }),
		operators:       byID(t.Operators, operatorExternalID),
		countryIDs:      make(map[string]int, len(t.Countries)),
		attributions:    make(map[*providers.DataProvider]*providers.Attribution, len(t.DataProviders)),
	}
	for id, c := range x.countries {
		x.countryIDs[c.ISOCode] = id
	}
	for _, p := range t.DataProviders {
		x.attributions[p] = attribution(p, "")
	}
	return x
}

func byID[T any](rows []*T, id func(*T) string) map[int]*T {
	m := make(map[int]*T, len(rows))
	for _, r := range rows {
		if n, err := strconv.Atoi(id(r)); err == nil {
			m[n] = r
		}
	}
	return m
}

// operatorExternalID returns OCM's number of an operator that this package made.
func operatorExternalID(o *providers.Operator) string {
	for _, r := range o.Records {
		if r.Provider == providers.OCM {
			return r.ExternalID
		}
	}
	return ""
}

// rows finds rows of one kind for one answer: in the reference table, else in
// what the answer itself says of the row, else among the built-in ones, else it
// makes one up whose title is its number.
type rows[T any] struct {
	held    map[int]*T // nil: no table
	builtin map[int]*T
	read    func(id int, w *wireRow) *T
	invent  func(id int) *T // nil: a row that nobody knows is none

	nested map[string]*T // by the JSON text of the row
	made   map[int]*T
}

// get returns the row and its id. Without an id, and without a nested row that
// has one, ok is false.
func (r *rows[T]) get(number wire.Number, n nested) (row *T, id int, ok bool) {
	id, ok = integer(number)
	if !ok && n.raw != nil {
		var w wireRow
		if n.into(&w) {
			id, ok = integer(w.ID)
		}
	}
	if !ok || id < 0 {
		return nil, 0, false
	}
	if row = r.held[id]; row != nil {
		return row, id, true
	}
	if row = r.said(id, n); row != nil {
		return row, id, true
	}
	if row = r.builtin[id]; row != nil {
		return row, id, true
	}
	if r.invent == nil || id == 0 { // 0 means unknown, also where it is no row
		return nil, id, true
	}
	if row = r.made[id]; row != nil {
		return row, id, true
	}
	if r.made == nil {
		r.made = make(map[int]*T)
	}
	row = r.invent(id)
	r.made[id] = row
	return row, id, true
}

// said returns what the answer itself says of the row; equal texts give the same row.
func (r *rows[T]) said(id int, n nested) *T {
	if n.raw == nil {
		return nil
	}
	if row, ok := r.nested[string(n.raw)]; ok {
		return row
	}
	var w wireRow
	var row *T
	if n.into(&w) {
		if stated, ok := integer(w.ID); ok && stated == id {
			row = r.read(id, &w)
		}
	}
	if r.nested == nil {
		r.nested = make(map[string]*T)
	}
	r.nested[string(n.raw)] = row
	return row
}

// attribution returns what must be shown with data of p; extra is the text that
// a record itself asks to be shown.
func attribution(p *providers.DataProvider, extra string) *providers.Attribution {
	a := &providers.Attribution{Text: "Open Charge Map (data provider not stated), licence not stated", URL: homepage}
	if p != nil {
		a = &providers.Attribution{Text: p.Title, URL: p.Website, License: p.License}
		if number, invented := strings.CutPrefix(p.Title, inventedProvider); invented && number == p.ID {
			a.Text, a.URL = "Open Charge Map (data provider "+number+"), licence not stated", homepage
		}
	}
	if extra != "" {
		a.Text += "; " + extra
	}
	return a
}

// The read functions return nil for a row without a title: it says nothing that
// the row's number does not.

func readConnectionType(id int, w *wireRow) *providers.ConnectionType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.ConnectionType{
		ID: strconv.Itoa(id), Title: title, FormalName: clean.Line(string(w.FormalName)),
		IsDiscontinued: w.IsDiscontinued.Pointer(), IsObsolete: w.IsObsolete.Pointer(), Type: connectorType(id),
	}
}

func inventConnectionType(id int) *providers.ConnectionType {
	return &providers.ConnectionType{ID: strconv.Itoa(id), Title: "Connection type " + strconv.Itoa(id), Type: connectorType(id)}
}

func readCurrentType(id int, w *wireRow) *providers.CurrentType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.CurrentType{ID: strconv.Itoa(id), Title: title}
}

func inventCurrentType(id int) *providers.CurrentType {
	return &providers.CurrentType{ID: strconv.Itoa(id), Title: "Current type " + strconv.Itoa(id)}
}

func readChargerType(id int, w *wireRow) *providers.ChargerType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.ChargerType{
		ID: strconv.Itoa(id), Title: title, Comments: clean.Text(string(w.Comments)), IsFastChargeCapable: w.IsFastChargeCapable.Value,
	}
}

func inventChargerType(id int) *providers.ChargerType {
	return &providers.ChargerType{ID: strconv.Itoa(id), Title: "Level " + strconv.Itoa(id)}
}

func readStatusType(id int, w *wireRow) *providers.StatusType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.StatusType{
		ID: strconv.Itoa(id), Title: title, IsOperational: w.IsOperational.Pointer(), IsUserSelectable: w.IsUserSelectable.Value,
	}
}

func inventStatusType(id int) *providers.StatusType {
	return &providers.StatusType{ID: strconv.Itoa(id), Title: "Status " + strconv.Itoa(id)}
}

func readSubmissionStatus(id int, w *wireRow) *providers.SubmissionStatus {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.SubmissionStatus{ID: strconv.Itoa(id), Title: title, IsLive: w.IsLive.Value}
}

func inventSubmissionStatus(id int) *providers.SubmissionStatus {
	return &providers.SubmissionStatus{ID: strconv.Itoa(id), Title: "Submission status " + strconv.Itoa(id), IsLive: published(id)}
}

func readUsageType(id int, w *wireRow) *providers.UsageType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.UsageType{
		ID: strconv.Itoa(id), Title: title, IsPayAtLocation: w.IsPayAtLocation.Pointer(),
		IsMembershipRequired: w.IsMembershipRequired.Pointer(), IsAccessKeyRequired: w.IsAccessKeyRequired.Pointer(),
	}
}

func inventUsageType(id int) *providers.UsageType {
	return &providers.UsageType{ID: strconv.Itoa(id), Title: "Usage type " + strconv.Itoa(id)}
}

func readCommentType(id int, w *wireRow) *providers.CommentType {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	return &providers.CommentType{ID: strconv.Itoa(id), Title: title}
}

func inventCommentType(id int) *providers.CommentType {
	return &providers.CommentType{ID: strconv.Itoa(id), Title: "Comment type " + strconv.Itoa(id)}
}

// readCheckInStatusType returns nil for an outcome that is not known here: the
// graph's row must say what the outcome is.
func readCheckInStatusType(id int, w *wireRow) *providers.CheckInStatusType {
	title := clean.Line(string(w.Title))
	outcome, known := checkInOutcome(id)
	if !known {
		outcome, known = outcomeByMood(w.IsPositive)
	}
	if title == "" || !known {
		return nil
	}
	return &providers.CheckInStatusType{
		ID: strconv.Itoa(id), Title: title, IsPositive: w.IsPositive.Pointer(),
		IsAutomated: w.IsAutomatedCheckin.Value, Outcome: outcome,
	}
}

// outcomeByMood returns what is certain about an outcome that OCM invented
// after this was written: that it was good, or bad.
func outcomeByMood(positive wire.Flag) (outcome providers.CheckInOutcome, known bool) {
	switch {
	case !positive.Set:
		return "", false
	case positive.Value:
		return providers.CheckInOtherPositive, true
	}
	return providers.CheckInOtherNegative, true
}

func readDataProvider(id int, w *wireRow) *providers.DataProvider {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	status := &w.DataProviderStatusType.Value
	return &providers.DataProvider{
		ID: strconv.Itoa(id), Title: title, Website: clean.URL(string(w.WebsiteURL)), License: clean.Line(string(w.License)),
		IsOpenDataLicensed: w.IsOpenDataLicensed.Pointer(), IsRestrictedEdit: w.IsRestrictedEdit.Pointer(),
		IsApprovedImport: w.IsApprovedImport.Pointer(), IsEnabled: status.IsProviderEnabled.Pointer(),
		StatusTitle: clean.Line(string(status.Title)), LastImportedAt: w.DateLastImported.Time, Comments: clean.Text(string(w.Comments)),
	}
}

const inventedProvider = "Data provider "

func inventDataProvider(id int) *providers.DataProvider {
	return &providers.DataProvider{ID: strconv.Itoa(id), Title: inventedProvider + strconv.Itoa(id)}
}

// readCountry returns nil for a row without a proper code: the graph has no
// country without one.
func readCountry(id int, w *wireRow) *providers.Country {
	title, iso := clean.Line(string(w.Title)), countryCode(string(w.ISOCode))
	if title == "" || iso == "" {
		return nil
	}
	return &providers.Country{ID: strconv.Itoa(id), Title: title, ISOCode: iso, ContinentCode: clean.Line(string(w.ContinentCode))}
}

// countryCode returns s as ISO 3166-1 alpha-2 in upper case, or "".
func countryCode(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// readOperator makes no address of the row: that takes the countries.
func readOperator(id int, w *wireRow) *providers.Operator {
	title := clean.Line(string(w.Title))
	if title == "" {
		return nil
	}
	o := newOperator(id, title, w.IsPrivateIndividual.Pointer())
	o.Website = clean.URL(string(w.WebsiteURL))
	o.Phone = clean.Line(string(w.PhonePrimaryContact))
	o.PhoneSecondary = clean.Line(string(w.PhoneSecondaryContact))
	o.Email = clean.Line(string(w.ContactEmail))
	o.FaultReportEmail = clean.Line(string(w.FaultReportEmail))
	o.BookingURL = clean.URL(string(w.BookingURL))
	o.Comments = clean.Text(string(w.Comments))
	o.Countries = partyCountries(o.Comments)
	o.IsRestrictedEdit = w.IsRestrictedEdit.Pointer()
	return o
}

// partyCountries returns the countries of the party ids that OCM's editors note
// beside an operator, as in "GB*CPI,AT*HTB": where it is registered to run EVSEs.
func partyCountries(comments string) []string {
	var countries []string
	for _, party := range strings.FieldsFunc(comments, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }) {
		upper := func(r rune) bool { return r >= 'A' && r <= 'Z' }
		if len(party) == len("GB*CPI") && party[2] == '*' && upper(rune(party[0])) && upper(rune(party[1])) && !slices.Contains(countries, party[:2]) {
			countries = append(countries, party[:2])
		}
	}
	return countries
}

func inventOperator(id int) *providers.Operator {
	return newOperator(id, "Operator "+strconv.Itoa(id), nil)
}
