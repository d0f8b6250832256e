package ocm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/wire"
)

const (
	homepage = "https://openchargemap.org"
	// viewPage shows a site; it is the page that needs no account.
	viewPage = "https://map.openchargemap.io/?id="
)

// What a listing may lack so that no record can be made of it.
var (
	errNoRecord   = errors.New("not a POI object")
	errNoID       = errors.New("no usable ID")
	errNoPosition = errors.New("no usable position")
	// errHidden is a listing that the live API would not show.
	errHidden = errors.New("not published, removed or a duplicate")
)

// mapper makes records of one answer, or of a part of one export. It is not
// safe for concurrent use; the rows that it puts into records are.
type mapper struct {
	source    *providers.Source
	now       time.Time
	fetchedAt time.Time
	avatars   bool
	// sandbox is what is shown with made-up data; nil for OCM's own.
	sandbox *providers.Attribution
	options json.Options

	connectionTypes rows[providers.ConnectionType]
	currentTypes    rows[providers.CurrentType]
	chargerTypes    rows[providers.ChargerType]
	statusTypes     rows[providers.StatusType]
	submissions     rows[providers.SubmissionStatus]
	usageTypes      rows[providers.UsageType]
	commentTypes    rows[providers.CommentType]
	checkIns        rows[providers.CheckInStatusType]
	dataProviders   rows[providers.DataProvider]
	countries       rows[providers.Country]
	operators       rows[providers.Operator]

	costs        *costs
	attributions map[*providers.DataProvider]*providers.Attribution
	*room
}

// room is what a mapper works in: memory that serves one listing after the other,
// and one mapper after the other. The zero value is empty.
type room struct {
	reader wire.Reader
	said   wirePOI
	names  wire.Names

	// Texts that records share, under what they were before they were cleaned.
	lines, texts, urls map[string]string
}

// newMapper returns a mapper that looks rows up in held, if there is such a
// table, and in the built-in one.
func newMapper(source *providers.Source, held, builtin *index, now, fetchedAt time.Time) *mapper {
	if held == nil {
		held = &index{}
	}
	return &mapper{
		source: source, now: now, fetchedAt: fetchedAt, avatars: true, options: wire.Lenient(),

		connectionTypes: rows[providers.ConnectionType]{held: held.connectionTypes, builtin: builtin.connectionTypes, read: readConnectionType, invent: inventConnectionType},
		currentTypes:    rows[providers.CurrentType]{held: held.currentTypes, builtin: builtin.currentTypes, read: readCurrentType, invent: inventCurrentType},
		chargerTypes:    rows[providers.ChargerType]{held: held.chargerTypes, builtin: builtin.chargerTypes, read: readChargerType, invent: inventChargerType},
		statusTypes:     rows[providers.StatusType]{held: held.statusTypes, builtin: builtin.statusTypes, read: readStatusType, invent: inventStatusType},
		submissions:     rows[providers.SubmissionStatus]{held: held.submissions, builtin: builtin.submissions, read: readSubmissionStatus, invent: inventSubmissionStatus},
		usageTypes:      rows[providers.UsageType]{held: held.usageTypes, builtin: builtin.usageTypes, read: readUsageType, invent: inventUsageType},
		commentTypes:    rows[providers.CommentType]{held: held.commentTypes, builtin: builtin.commentTypes, read: readCommentType, invent: inventCommentType},
		checkIns:        rows[providers.CheckInStatusType]{held: held.checkIns, builtin: builtin.checkIns, read: readCheckInStatusType},
		dataProviders:   rows[providers.DataProvider]{held: held.dataProviders, builtin: builtin.dataProviders, read: readDataProvider, invent: inventDataProvider},
		countries:       rows[providers.Country]{held: held.countries, builtin: builtin.countries, read: readCountry},
		operators:       rows[providers.Operator]{held: held.operators, builtin: builtin.operators, read: readOperator, invent: inventOperator},

		costs:        new(costs),
		attributions: make(map[*providers.DataProvider]*providers.Attribution),
		room:         new(room),
	}
}

// record reads one POI and returns its finished record, or one of the errors
// above; the error names the POI where it has an id.
func (m *mapper) record(raw jsontext.Value) (*providers.Record, error) {
	if raw.Kind() != jsontext.KindBeginObject {
		return nil, errNoRecord
	}
	if err := json.Unmarshal(raw, new(struct{}), m.options); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoRecord, err)
	}
	return m.listing(raw)
}

// listing is record for a text that is known to be proper JSON. The record keeps
// nothing of it.
func (m *mapper) listing(raw jsontext.Value) (*providers.Record, error) {
	w := &m.said
	w.Reset()
	m.reader.Reset(raw)
	if !wire.Members(&m.reader, w, (*wirePOI).member) {
		return nil, errNoRecord
	}
	id, ok := idOf(w.ID)
	if !ok {
		return nil, errNoID
	}
	r, err := m.poi(id, w)
	if err != nil {
		return nil, fmt.Errorf("POI %d: %w", id, err)
	}
	r.Seal()
	return r, nil
}

func (m *mapper) poi(id int, w *wirePOI) (*providers.Record, error) {
	address := &w.AddressInfo.Value
	at := providers.Point{Lat: address.Latitude.Value, Lon: address.Longitude.Value}
	statusRow, statusID, _ := m.statusTypes.get(w.StatusTypeID, w.StatusType)
	submission, submissionID, stated := m.submissions.get(w.SubmissionStatusTypeID, w.SubmissionStatus)
	status := operationalStatus(statusID)
	switch {
	case status == providers.StatusRemoved, stated && !published(submissionID):
		return nil, errHidden
	case !address.Latitude.Set || !address.Longitude.Set || !at.Valid() || at.IsNull():
		return nil, errNoPosition
	}

	external := strconv.Itoa(id)
	r := &providers.Record{
		Key:        providers.NewKey(m.source.ID, external),
		Source:     m.source,
		ExternalID: external,
		FetchedAt:  m.fetchedAt,
		Site: providers.Site{
			UUID:             clean.Line(string(w.UUID)),
			Location:         at,
			Address:          m.address(address),
			Operator:         m.operator(w.OperatorID, w.OperatorInfo),
			Status:           status,
			StatusType:       statusRow,
			SubmissionStatus: submission,
			UsageCost:        m.text(w.UsageCost),
			NumberOfPoints:   count(w.NumberOfPoints),
			AccessComments:   m.text(address.AccessComments),
			GeneralComments:  m.text(w.GeneralComments),
			Contact:          m.contact(address),
			LastConfirmedAt:  w.DateLastConfirmed.Time,
			PlannedFor:       w.DatePlanned.Time,
			CreatedAt:        w.DateCreated.Time,
			UpdatedAt:        w.DateLastStatusUpdate.Time,
		},
		DataProviderReference: clean.Line(string(w.DataProvidersReference)),
		OperatorReference:     clean.Line(string(w.OperatorsReference)),
	}
	usage, usageID, _ := m.usageTypes.get(w.UsageTypeID, w.UsageType)
	r.Usage, r.UsageType = usageKind(usageID), usage
	r.Cost = m.costs.of(usage, r.UsageCost)
	r.Title = title(string(address.Title), &r.Address, external)
	r.Connections = m.connections(w.Connections)
	r.Comments = m.comments(w.UserComments)
	r.Photos = m.photos(w.MediaItems)
	if v, ok := idOf(w.ParentChargePointID); ok {
		r.ParentExternalID = strconv.Itoa(v)
	}
	if v, ok := integer(w.DataQualityLevel); ok {
		r.DataQualityLevel = &v
	}
	if m.sandbox == nil { // a page of the real map shows nothing of a made-up site
		r.URL = viewPage + external
		r.Links.Canonical = r.URL
		r.Links.Providers = []providers.ProviderLink{{Provider: providers.OCM, View: r.URL}}
	}
	m.metadata(r, w.MetadataValues)
	r.DataProvider, _, _ = m.dataProviders.get(w.DataProviderID, w.DataProvider)
	r.Attribution = m.attribution(r)
	m.verify(r, w.DateLastVerified.Time)
	return r, nil
}

// title returns what a site is called; a site without a name by where it is.
func title(name string, a *providers.Address, external string) string {
	if name = clean.Line(name); name != "" {
		return name
	}
	switch {
	case a.Line1 != "":
		return a.Line1
	case a.Town != "":
		return a.Town
	}
	return "Charging site " + external
}

// verifiedFor is how long OCM takes a site for verified, in months.
const verifiedFor = 6

// verify sets when a site was verified by OCM's own rule: the latest of its
// last change, its last confirmation, and its creation if that is recent. It
// says that somebody touched the listing, not that the site works.
func (m *mapper) verify(r *providers.Record, stated time.Time) {
	recent := m.now.AddDate(0, -verifiedFor, 0)
	at := stated
	if at.IsZero() {
		at = r.UpdatedAt
		if r.LastConfirmedAt.After(at) {
			at = r.LastConfirmedAt
		}
		if r.CreatedAt.After(recent) && r.CreatedAt.After(at) {
			at = r.CreatedAt
		}
	}
	if at.IsZero() {
		return
	}
	r.LastVerifiedAt = at
	r.IsRecentlyVerified = new(at.After(recent))
}

func (m *mapper) address(w *wireAddress) providers.Address {
	a := providers.Address{
		Line1:           clean.Line(string(w.AddressLine1)),
		Line2:           m.line(w.AddressLine2),
		Town:            m.line(w.Town),
		StateOrProvince: m.line(w.StateOrProvince),
		Postcode:        m.line(w.Postcode),
	}
	a.Country, _, _ = m.countries.get(w.CountryID, w.Country)
	if a.Country != nil {
		a.CountryCode = a.Country.ISOCode
	}
	return a
}

func (m *mapper) contact(w *wireAddress) *providers.Contact {
	c := providers.Contact{
		Phone:          m.line(w.ContactTelephone1),
		PhoneSecondary: m.line(w.ContactTelephone2),
		Email:          m.line(w.ContactEmail),
		Website:        m.url(w.RelatedURL),
	}
	if c == (providers.Contact{}) {
		return nil
	}
	return &c
}

func (m *mapper) operator(number wire.Number, n nested) *providers.Operator {
	row, id, ok := m.operators.get(number, n)
	if !ok || id <= operatorUnknown {
		return nil
	}
	return row
}

func (m *mapper) connections(list wire.List[wireConnection]) []providers.ConnectionInfo {
	if len(list) == 0 {
		return nil
	}
	connections := make([]providers.ConnectionInfo, 0, len(list))
	names := m.newNames(len(list))
	for i := range list {
		w := &list[i]
		statusRow, statusID, _ := m.statusTypes.get(w.StatusTypeID, w.StatusType)
		name, isNew := names.Of(idOf(w.ID))
		if !isNew || statusID == statusDuplicate {
			continue
		}
		c := providers.ConnectionInfo{
			ExternalID: name,
			PowerKW:    w.PowerKW.Positive(),
			VoltageV:   w.Voltage.Positive(),
			CurrentA:   w.Amps.Positive(),
			Quantity:   count(w.Quantity),
			Status:     operationalStatus(statusID),
			StatusType: statusRow,
			Reference:  clean.Line(string(w.Reference)),
			Comments:   m.text(w.Comments),
		}
		row, typeID, _ := m.connectionTypes.get(w.ConnectionTypeID, w.ConnectionType)
		c.ConnectionType, c.Type, c.Format = row, connectorType(typeID), connectorFormat(typeID)
		current, currentID, _ := m.currentTypes.get(w.CurrentTypeID, w.CurrentType)
		c.CurrentType, c.Current = current, currentOf(currentID, current)
		level, levelID, _ := m.chargerTypes.get(w.LevelID, w.Level)
		if levelID > 0 {
			c.LevelType, c.Level = level, &levelID
		}
		connections = append(connections, c)
	}
	return connections
}

// currentOf returns the kind of current; an id that is not known here may still
// say by its title that it is alternating.
func currentOf(id int, row *providers.CurrentType) providers.CurrentKind {
	if kind, known := currentKind(id); known || row == nil {
		return kind
	}
	switch {
	case len(row.Title) >= 2 && row.Title[:2] == "AC":
		return providers.CurrentAC
	case len(row.Title) >= 2 && row.Title[:2] == "DC":
		return providers.CurrentDC
	}
	return providers.CurrentUnknown
}

func (m *mapper) comments(list wire.List[wireComment]) []providers.Comment {
	if len(list) == 0 {
		return nil
	}
	comments := make([]providers.Comment, 0, len(list))
	names := m.newNames(len(list))
	for i := range list {
		w := &list[i]
		name, isNew := names.Of(idOf(w.ID))
		if !isNew {
			continue
		}
		c := providers.Comment{
			ExternalID: name,
			Text:       clean.Text(string(w.Comment)),
			RelatedURL: clean.URL(string(w.RelatedURL)),
			Author:     m.author(&w.User.Value, w.UserName),
			CreatedAt:  w.DateCreated.Time,
		}
		var typeID int
		c.CommentType, typeID, _ = m.commentTypes.get(w.CommentTypeID, w.CommentType)
		c.Kind = commentKind(typeID)
		row, checkInID, stated := m.checkIns.get(w.CheckinStatusTypeID, w.CheckinStatusType)
		if stated {
			c.CheckInStatusType, c.Outcome = row, outcomeOf(checkInID, row)
			c.Sentiment = sentiment(c.Outcome, row)
		}
		if v, ok := integer(w.Rating); ok && v >= 1 && v <= 5 {
			c.Rating = &v
		}
		comments = append(comments, c)
	}
	return comments
}

// outcomeOf returns what came of a visit; nil where neither this package nor
// the row knows.
func outcomeOf(id int, row *providers.CheckInStatusType) *providers.CheckInOutcome {
	if outcome, known := checkInOutcome(id); known {
		return &outcome
	}
	if row != nil {
		return new(row.Outcome)
	}
	return nil
}

func (m *mapper) author(u *wireUser, name wire.View) *providers.Author {
	a := providers.Author{DisplayName: m.line(u.Username)}
	if a.DisplayName == "" {
		a.DisplayName = m.line(name)
	}
	if v, ok := integer(u.ReputationPoints); ok {
		a.ReputationPoints = &v
	}
	if m.avatars {
		a.Avatar = m.url(u.ProfileImageURL)
	}
	if a.DisplayName == "" && a.Avatar == "" && a.ReputationPoints == nil {
		return nil
	}
	return &a
}

func (m *mapper) photos(list wire.List[wireMedia]) []providers.Photo {
	if len(list) == 0 {
		return nil
	}
	photos := make([]providers.Photo, 0, len(list))
	names := m.newNames(len(list))
	for i := range list {
		w := &list[i]
		name, isNew := names.Of(idOf(w.ID))
		address := clean.URL(string(w.ItemURL))
		if !isNew || address == "" || w.IsEnabled.Set && !w.IsEnabled.Value {
			continue
		}
		photos = append(photos, providers.Photo{
			ExternalID: name,
			IsVideo:    w.IsVideo.Value,
			IsExternal: w.IsExternalResource.Value,
			URL:        address,
			Thumbnail:  clean.URL(string(w.ItemThumbnailURL)),
			Caption:    clean.Text(string(w.Comment)),
			Author:     m.author(&w.User.Value, nil),
			IsFeatured: w.IsFeaturedItem.Value,
			CreatedAt:  w.DateCreated.Time,
		})
	}
	return photos
}

func (m *mapper) metadata(r *providers.Record, list wire.List[wireMetadata]) {
	for i := range list {
		w := &list[i]
		field, ok := idOf(w.MetadataFieldID)
		if !ok {
			continue
		}
		option, chosen := idOf(w.MetadataFieldOptionID)
		if !chosen {
			option, chosen = idOf(w.MetadataFieldOption.Value.ID)
		}
		value := clean.Text(string(w.ItemValue))
		if value == "" && chosen {
			value = clean.Line(string(w.MetadataFieldOption.Value.Title))
			if value == "" {
				value = metadataOption(option)
			}
		}
		if a, known := amenity(option); known && field == metadataPOIType && !slices.Contains(r.Amenities, a) {
			r.Amenities = append(r.Amenities, a)
		}
		if value == "" {
			continue
		}
		if field == metadataAccessHours && r.OpeningHours == nil {
			r.OpeningHours = &providers.OpeningHours{Text: value}
		}
		r.Metadata = append(r.Metadata, providers.MetadataValue{FieldID: strconv.Itoa(field), Value: value})
	}
}

// attribution returns what must be shown with a record, one value for all
// records of a data provider that ask for nothing else.
func (m *mapper) attribution(r *providers.Record) *providers.Attribution {
	if m.sandbox != nil {
		return m.sandbox
	}
	if extra := attributionText(r); extra != "" {
		return attribution(r.DataProvider, extra)
	}
	a := m.attributions[r.DataProvider]
	if a == nil {
		a = attribution(r.DataProvider, "")
		m.attributions[r.DataProvider] = a
	}
	return a
}

// attributionText returns what the record itself asks to be shown with it.
func attributionText(r *providers.Record) string {
	var text string
	for _, v := range r.Metadata {
		if v.FieldID != strconv.Itoa(metadataAttribution) {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += v.Value
	}
	return text
}

// newNames returns names for the members of a list of n. The former ones are
// invalid then: their room is used again, unless it has become large.
func (m *room) newNames(n int) wire.Names {
	const few = 64
	if n > few {
		return make(wire.Names, n)
	}
	if m.names == nil {
		m.names = make(wire.Names, few)
	}
	clear(m.names)
	return m.names
}

const (
	// maxShared bounds what a mapper remembers, so that an endless answer of
	// different texts does not fill the memory with them.
	maxShared = 1 << 18
	// maxSharedLen is longer than what is said more than once.
	maxSharedLen = 256
)

func (m *room) line(v wire.View) string { return phrase(&m.lines, v, clean.Line) }
func (m *room) text(v wire.View) string { return phrase(&m.texts, v, clean.Text) }
func (m *room) url(v wire.View) string  { return phrase(&m.urls, v, clean.URL) }

// phrase returns what v is when it is cleaned, the same value for the same text.
func phrase(known *map[string]string, v wire.View, clean func(string) string) string {
	if len(v) == 0 {
		return ""
	}
	if s, ok := (*known)[string(v)]; ok {
		return s
	}
	text := string(v)
	s := clean(text)
	if len(text) > maxSharedLen || len(*known) >= maxShared {
		return s
	}
	if *known == nil {
		*known = make(map[string]string)
	}
	(*known)[text] = s
	return s
}

// reuse makes the room ready for the next answer. What recurs from one to the next
// is not forgotten before it takes a MB, which is more than a viewport has.
func (m *room) reuse() {
	m.reader.Reset(nil)
	m.said.Reset()
	const enough = 1 << 12
	for _, known := range []map[string]string{m.lines, m.texts, m.urls} {
		if len(known) > enough {
			clear(known)
		}
	}
}
