package providers

import "time"

// Reference is a source's table of the rows that its records name by number.
// It is immutable; a fresh table replaces it whole. Rows keep the order in
// which the source lists them.
type Reference struct {
	ConnectionTypes    []*ConnectionType
	CurrentTypes       []*CurrentType
	ChargerTypes       []*ChargerType
	StatusTypes        []*StatusType
	SubmissionStatuses []*SubmissionStatus
	UsageTypes         []*UsageType
	CommentTypes       []*CommentType
	CheckInStatusTypes []*CheckInStatusType
	DataProviders      []*DataProvider
	Countries          []*Country
	Operators          []*Operator
}

// ConnectionType is a row of a source's list of plugs.
type ConnectionType struct {
	ID             string
	Title          string
	FormalName     string
	IsDiscontinued *bool
	IsObsolete     *bool
	Type           ConnectorType
}

// CurrentType is a row of a source's list of currents.
type CurrentType struct {
	ID    string
	Title string
}

// ChargerType is a row of a source's list of power levels.
type ChargerType struct {
	ID                  string
	Title               string
	Comments            string
	IsFastChargeCapable bool
}

// StatusType is a row of a source's list of states.
type StatusType struct {
	ID               string
	Title            string
	IsOperational    *bool
	IsUserSelectable bool
}

// SubmissionStatus is a row of a source's list of editorial states.
type SubmissionStatus struct {
	ID     string
	Title  string
	IsLive bool
}

// UsageType is a row of a source's list of ways to use a site.
type UsageType struct {
	ID                   string
	Title                string
	IsPayAtLocation      *bool
	IsMembershipRequired *bool
	IsAccessKeyRequired  *bool
}

// CommentType is a row of a source's list of comment types.
type CommentType struct {
	ID    string
	Title string
}

// CheckInStatusType is a row of a source's list of check-in outcomes.
type CheckInStatusType struct {
	ID          string
	Title       string
	IsPositive  *bool
	IsAutomated bool
	Outcome     CheckInOutcome
}

// DataProvider is where a directory has a record from.
type DataProvider struct {
	ID                 string
	Title              string
	Website            string
	License            string
	IsOpenDataLicensed *bool
	IsRestrictedEdit   *bool
	IsApprovedImport   *bool
	IsEnabled          *bool
	StatusTitle        string
	LastImportedAt     time.Time
	Comments           string
}

// Country is a row of a source's list of countries.
type Country struct {
	ID            string
	Title         string
	ISOCode       string // ISO 3166-1 alpha-2, upper case
	ContinentCode string
}
