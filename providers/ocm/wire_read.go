package ocm

import "chargegraph/providers/internal/wire"

// How wire.Reader reads the members of a listing: each by the name of its field,
// as package json would.

func (w *wirePOI) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "UUID":
		w.UUID = r.View()
	case "ParentChargePointID":
		w.ParentChargePointID = r.Number()
	case "DataProviderID":
		w.DataProviderID = r.Number()
	case "DataProvider":
		w.DataProvider.raw = r.Raw()
	case "DataProvidersReference":
		w.DataProvidersReference = r.View()
	case "OperatorID":
		w.OperatorID = r.Number()
	case "OperatorInfo":
		w.OperatorInfo.raw = r.Raw()
	case "OperatorsReference":
		w.OperatorsReference = r.View()
	case "UsageTypeID":
		w.UsageTypeID = r.Number()
	case "UsageType":
		w.UsageType.raw = r.Raw()
	case "UsageCost":
		w.UsageCost = r.View()
	case "AddressInfo":
		wire.ReadObject(r, &w.AddressInfo, (*wireAddress).member)
	case "Connections":
		wire.ReadList(r, &w.Connections, (*wireConnection).member)
	case "NumberOfPoints":
		w.NumberOfPoints = r.Number()
	case "GeneralComments":
		w.GeneralComments = r.View()
	case "DatePlanned":
		w.DatePlanned = r.Time()
	case "DateLastConfirmed":
		w.DateLastConfirmed = r.Time()
	case "StatusTypeID":
		w.StatusTypeID = r.Number()
	case "StatusType":
		w.StatusType.raw = r.Raw()
	case "DateLastStatusUpdate":
		w.DateLastStatusUpdate = r.Time()
	case "DateLastVerified":
		w.DateLastVerified = r.Time()
	case "MetadataValues":
		wire.ReadList(r, &w.MetadataValues, (*wireMetadata).member)
	case "DataQualityLevel":
		w.DataQualityLevel = r.Number()
	case "DateCreated":
		w.DateCreated = r.Time()
	case "SubmissionStatusTypeID":
		w.SubmissionStatusTypeID = r.Number()
	case "SubmissionStatus":
		w.SubmissionStatus.raw = r.Raw()
	case "UserComments":
		wire.ReadList(r, &w.UserComments, (*wireComment).member)
	case "MediaItems":
		wire.ReadList(r, &w.MediaItems, (*wireMedia).member)
	default:
		r.Skip()
	}
}

func (w *wireAddress) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "Title":
		w.Title = r.View()
	case "AddressLine1":
		w.AddressLine1 = r.View()
	case "AddressLine2":
		w.AddressLine2 = r.View()
	case "Town":
		w.Town = r.View()
	case "StateOrProvince":
		w.StateOrProvince = r.View()
	case "Postcode":
		w.Postcode = r.View()
	case "CountryID":
		w.CountryID = r.Number()
	case "Country":
		w.Country.raw = r.Raw()
	case "Latitude":
		w.Latitude = r.Number()
	case "Longitude":
		w.Longitude = r.Number()
	case "ContactTelephone1":
		w.ContactTelephone1 = r.View()
	case "ContactTelephone2":
		w.ContactTelephone2 = r.View()
	case "ContactEmail":
		w.ContactEmail = r.View()
	case "AccessComments":
		w.AccessComments = r.View()
	case "RelatedURL":
		w.RelatedURL = r.View()
	default:
		r.Skip()
	}
}

func (w *wireConnection) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "ConnectionTypeID":
		w.ConnectionTypeID = r.Number()
	case "ConnectionType":
		w.ConnectionType.raw = r.Raw()
	case "Reference":
		w.Reference = r.View()
	case "StatusTypeID":
		w.StatusTypeID = r.Number()
	case "StatusType":
		w.StatusType.raw = r.Raw()
	case "LevelID":
		w.LevelID = r.Number()
	case "Level":
		w.Level.raw = r.Raw()
	case "Amps":
		w.Amps = r.Number()
	case "Voltage":
		w.Voltage = r.Number()
	case "PowerKW":
		w.PowerKW = r.Number()
	case "CurrentTypeID":
		w.CurrentTypeID = r.Number()
	case "CurrentType":
		w.CurrentType.raw = r.Raw()
	case "Quantity":
		w.Quantity = r.Number()
	case "Comments":
		w.Comments = r.View()
	default:
		r.Skip()
	}
}

func (w *wireComment) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "CommentTypeID":
		w.CommentTypeID = r.Number()
	case "CommentType":
		w.CommentType.raw = r.Raw()
	case "UserName":
		w.UserName = r.View()
	case "Comment":
		w.Comment = r.View()
	case "Rating":
		w.Rating = r.Number()
	case "RelatedURL":
		w.RelatedURL = r.View()
	case "DateCreated":
		w.DateCreated = r.Time()
	case "User":
		wire.ReadObject(r, &w.User, (*wireUser).member)
	case "CheckinStatusTypeID":
		w.CheckinStatusTypeID = r.Number()
	case "CheckinStatusType":
		w.CheckinStatusType.raw = r.Raw()
	default:
		r.Skip()
	}
}

func (w *wireMedia) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "ItemURL":
		w.ItemURL = r.View()
	case "ItemThumbnailURL":
		w.ItemThumbnailURL = r.View()
	case "Comment":
		w.Comment = r.View()
	case "IsEnabled":
		w.IsEnabled = r.Flag()
	case "IsVideo":
		w.IsVideo = r.Flag()
	case "IsFeaturedItem":
		w.IsFeaturedItem = r.Flag()
	case "IsExternalResource":
		w.IsExternalResource = r.Flag()
	case "User":
		wire.ReadObject(r, &w.User, (*wireUser).member)
	case "DateCreated":
		w.DateCreated = r.Time()
	default:
		r.Skip()
	}
}

func (w *wireUser) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "Username":
		w.Username = r.View()
	case "ReputationPoints":
		w.ReputationPoints = r.Number()
	case "ProfileImageURL":
		w.ProfileImageURL = r.View()
	default:
		r.Skip()
	}
}

func (w *wireMetadata) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "MetadataFieldID":
		w.MetadataFieldID = r.Number()
	case "ItemValue":
		w.ItemValue = r.View()
	case "MetadataFieldOptionID":
		w.MetadataFieldOptionID = r.Number()
	case "MetadataFieldOption":
		wire.ReadObject(r, &w.MetadataFieldOption, (*wireOption).member)
	default:
		r.Skip()
	}
}

func (w *wireOption) member(r *wire.Reader, name []byte) {
	switch string(name) {
	case "ID":
		w.ID = r.Number()
	case "Title":
		w.Title = r.View()
	default:
		r.Skip()
	}
}
