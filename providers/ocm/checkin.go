package ocm

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	// DefaultSendTimeout is how long OCM may take for one check-in: it brings its
	// mirror up to date before it answers, which takes 30 s at times.
	DefaultSendTimeout = 40 * time.Second

	// maxRelatedURL is what OCM can store of a related URL, in UTF-16 units.
	maxRelatedURL = 500
	// nearby is how far OCM's time of a comment may be from when it was sent: its
	// clock and ours differ, and it may work on what we have given up.
	nearby = 5 * time.Minute
)

var (
	_ providers.CheckInTaker = (*Source)(nil)
	_ providers.AuthorTeller = (*Source)(nil)
)

// wireSubmission is a comment on its way to OCM. The time of a comment is when it
// arrives there, and its id is not told.
type wireSubmission struct {
	ChargePointID       int
	CommentTypeID       int
	CheckinStatusTypeID int    // 0 says that nobody was there: it must not be left out
	UserName            string `json:",omitempty"` // OCM shows the account's own
	Comment             string `json:",omitempty"`
	Rating              *int   `json:",omitempty"`
	RelatedURL          string `json:",omitempty"`
}

// submission returns what is sent for c, or why nothing can be.
func (s *Source) submission(c *providers.Consignment) (wireSubmission, *providers.SourceError) {
	site, ok := s.siteID(c.Site)
	if !ok {
		return wireSubmission{}, &providers.SourceError{Code: providers.CodeUnsupported, Message: "the check-in is not about a site of this source"}
	}
	status, ok := checkInStatusID(c.Outcome)
	if !ok {
		return wireSubmission{}, &providers.SourceError{Code: providers.CodeRejected, Message: "Open Charge Map has no check-in status for this outcome"}
	}
	kind, ok := commentTypeID(c.Kind)
	if !ok {
		return wireSubmission{}, &providers.SourceError{Code: providers.CodeRejected, Message: "Open Charge Map has no comment type for this kind of comment"}
	}
	w := wireSubmission{ChargePointID: site, CommentTypeID: kind, CheckinStatusTypeID: status, UserName: c.UserName, Comment: c.Text, RelatedURL: c.RelatedURL}
	if ratable(c.Rating) {
		w.Rating = c.Rating
	}
	if w.RelatedURL == "" || !storable(w.RelatedURL) {
		w.RelatedURL = c.Marker
	}
	return w, nil
}

// siteID returns OCM's number of a site; ok is false for a key of another source.
func (s *Source) siteID(k providers.Key) (id int, ok bool) {
	id, err := strconv.Atoi(k.ExternalID())
	return id, err == nil && id >= 1 && id <= maxPOIID && k == providers.NewKey(s.source.ID, strconv.Itoa(id))
}

func ratable(rating *int) bool { return rating != nil && *rating >= 1 && *rating <= 5 }

func storable(address string) bool { return len(utf16.Encode([]rune(address))) <= maxRelatedURL }

// Lost implements [providers.CheckInTaker]. Outcome, kind, text and rating have
// their place at OCM; a user name has not, because OCM shows that of the account,
// nor has a related URL of more than 500 characters.
func (s *Source) Lost(r providers.Report) []string {
	var lost []string
	if _, ok := checkInStatusID(r.Outcome); !ok {
		lost = append(lost, "outcome")
	}
	if _, ok := commentTypeID(r.Kind); !ok {
		lost = append(lost, "kind")
	}
	if r.Rating != nil && !ratable(r.Rating) {
		lost = append(lost, "rating")
	}
	if !storable(r.RelatedURL) {
		lost = append(lost, "relatedUrl")
	}
	if r.UserName != "" {
		lost = append(lost, "userName")
	}
	return lost
}

// Send implements [providers.CheckInTaker]. A token of the caller's is used
// alone: if OCM does not accept it, nothing is sent under the account of the
// source. A session of the account that has died is renewed once, and the
// check-in sent again: OCM has stored nothing then.
func (s *Source) Send(ctx context.Context, c providers.Consignment) error {
	if err := s.deliver(ctx, &c); err != nil {
		return err
	}
	return nil
}

func (s *Source) deliver(ctx context.Context, c *providers.Consignment) *providers.DeliveryError {
	w, se := s.submission(c)
	if se == nil {
		se = s.takesCheckIns()
	}
	if se != nil {
		return &providers.DeliveryError{SourceError: se, Final: true}
	}
	if c.Token != "" {
		as, se := s.callersSession(c.Token)
		if se != nil {
			return &providers.DeliveryError{SourceError: se, Final: true}
		}
		_, derr := s.submit(ctx, &w, as, true)
		return derr
	}
	as, derr := s.ownSession(ctx, "")
	if derr != nil {
		return derr
	}
	dead, derr := s.submit(ctx, &w, as, false)
	if !dead {
		return derr
	}
	if as, derr = s.ownSession(ctx, as.token); derr != nil {
		return derr
	}
	if dead, derr = s.submit(ctx, &w, as, false); dead {
		s.account.useless(ctx, as, derr.SourceError)
	}
	return derr
}

func (s *Source) takesCheckIns() *providers.SourceError {
	if s.source.Capabilities.CheckIns {
		return nil
	}
	return &providers.SourceError{Code: providers.CodeUnsupported, Message: "this source takes no check-ins; an account at Open Charge Map must be configured for that"}
}

// callersSession reads the caller's own token, and refuses one that OCM would
// refuse, or answer with nothing.
func (s *Source) callersSession(token string) (session, *providers.SourceError) {
	as, ok := readSession(token)
	switch {
	case !ok:
		return session{}, &providers.SourceError{Code: providers.CodeUnauthorized, Message: "the token that came with the check-in is not one of Open Charge Map's; sign in there and send it again"}
	case as.endsBefore(s.clock().Add(-renewBefore)):
		return session{}, callersTokenDead()
	}
	return as, nil
}

func callersTokenDead() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "Open Charge Map does not accept the token that came with the check-in any more; sign in there and send it again"}
}

// ownSession returns a session of the source's account that is not the refused one.
func (s *Source) ownSession(ctx context.Context, refused string) (session, *providers.DeliveryError) {
	if s.account == nil {
		return session{}, &providers.DeliveryError{Final: true, SourceError: &providers.SourceError{
			Code:    providers.CodeUnauthorized,
			Message: "no account at Open Charge Map is configured: the check-in needs a token of its sender's own",
		}}
	}
	as, se := s.account.session(ctx, refused)
	if se != nil {
		return session{}, &providers.DeliveryError{SourceError: se}
	}
	return as, nil
}

// submit sends one comment once. dead says that OCM does not know the session.
func (s *Source) submit(ctx context.Context, w *wireSubmission, as session, callers bool) (dead bool, derr *providers.DeliveryError) {
	r, sent, se := s.poster.post(ctx, "comment", w, as.token, s.sendTimeout)
	if se != nil {
		return false, &providers.DeliveryError{SourceError: se, Ambiguous: sent}
	}
	return r.status == http.StatusUnauthorized, s.poster.judge(r, callers)
}

// judge says what an answer to a comment means; nil: it is stored. What OCM says
// when it fails is the same before and after storing; only what its edge says, and
// a few sentences of its own, mean that nothing is stored.
func (p *poster) judge(r reply, callers bool) *providers.DeliveryError {
	refused := func(code providers.SourceErrorCode, message string) *providers.DeliveryError {
		return &providers.DeliveryError{SourceError: &providers.SourceError{Code: code, Message: message}}
	}
	ambiguous := func(se *providers.SourceError) *providers.DeliveryError {
		return &providers.DeliveryError{SourceError: se, Ambiguous: true}
	}
	said := strings.TrimSpace(string(r.body))
	status, description := readSaid(r.body)
	switch {
	case r.status == http.StatusOK && strings.EqualFold(status, "ok"):
		return nil
	case r.status == http.StatusOK && strings.HasPrefix(said, "Error: Validation Failed"):
		e := refused(providers.CodeRejected, "Open Charge Map could not read the check-in")
		e.Final = true
		return e
	case r.status == http.StatusOK && strings.HasPrefix(said, "REJECTED_APIKEY"):
		return &providers.DeliveryError{SourceError: p.refused(r)}
	case r.status == http.StatusOK && said == "":
		return ambiguous(upstream.BadResponse("Open Charge Map answered the check-in with nothing, as it does when something failed on its side; it may be stored or not", nil))
	case r.status == http.StatusOK:
		return ambiguous(upstream.BadResponse("Open Charge Map answered the check-in with something else than a confirmation; it may be stored or not", nil))

	case r.status == http.StatusBadRequest && strings.Contains(description, "read only"):
		e := refused(providers.CodeUpstreamError, "Open Charge Map takes no check-ins at the moment; they are sent again later")
		e.RetryAfter = p.wait(r)
		return e
	case r.status == http.StatusBadRequest && strings.Contains(description, "API Version"):
		return &providers.DeliveryError{SourceError: p.refused(r)}
	case r.status == http.StatusBadRequest:
		return ambiguous(&providers.SourceError{Code: providers.CodeRejected, Message: "Open Charge Map says that the check-in failed, and not why; it may be stored or not"})

	case r.status == http.StatusUnauthorized && callers:
		e := &providers.DeliveryError{SourceError: callersTokenDead()}
		e.Final = true
		return e
	case r.status == http.StatusUnauthorized:
		return refused(providers.CodeUnauthorized, "Open Charge Map does not accept the session of the configured account")

	case r.status/100 == 3:
		return refused(providers.CodeBadResponse, "Open Charge Map redirected the check-in to another address, where it is not sent because the session would go with it; check the configured url")
	case r.status/100 == 4 && r.status != http.StatusRequestTimeout:
		return &providers.DeliveryError{SourceError: p.refused(r)}
	default:
		return ambiguous(p.refused(r))
	}
}

// readSaid reads the object with which OCM answers what is posted; "" and "" for
// anything else.
func readSaid(body []byte) (status, description string) {
	var w struct{ Status, Description wire.Text }
	if json.Unmarshal(body, &w, wire.Lenient(), json.MatchCaseInsensitiveNames(true)) != nil {
		return "", ""
	}
	return string(w.Status), string(w.Description)
}

// Find implements [providers.CheckInTaker], in one call that no cache answers. The
// account of the source is signed in first where nobody knows yet who it is. A
// check-in with a related URL of its caller's has no marker at OCM, and is found by
// its content; so are two equal ones by one author within minutes, of which the
// one nearest to sentAt is taken.
func (s *Source) Find(ctx context.Context, c providers.Consignment, sentAt []time.Time) (externalID string, ok bool, err error) {
	w, se := s.submission(&c)
	if se != nil {
		return "", false, se
	}
	by, se := s.senders(ctx, &c)
	if se != nil {
		return "", false, se
	}
	list, err := s.comments(ctx, w.ChargePointID)
	if err != nil {
		return "", false, err
	}
	q := sought{wireSubmission: w, by: by, sentAt: sentAt, others: c.Others}
	q.marked = c.Marker != "" && w.RelatedURL == c.Marker
	externalID, ok, se = q.in(list)
	if se != nil {
		return "", false, se
	}
	if ok {
		s.log.DebugContext(ctx, "check-in found", slog.Int("poi_id", w.ChargePointID), slog.String("comment_id", externalID))
	}
	return externalID, ok, nil
}

// Author implements [providers.AuthorTeller]: it returns the number of the user.
func (s *Source) Author(ctx context.Context, c providers.Consignment) (string, error) {
	by, se := s.sender(ctx, &c)
	if se != nil {
		return "", se
	}
	return strconv.Itoa(by.id), nil
}

// senders returns under whose names c is sent, or may have been sent. Who would
// send it now need not be known where somebody else has sent it before.
func (s *Source) senders(ctx context.Context, c *providers.Consignment) (authors, *providers.SourceError) {
	var by authors
	now, se := s.sender(ctx, c)
	if se == nil {
		by = authors{now}
	}
	for _, name := range c.Authors {
		id, err := strconv.Atoi(name)
		if err == nil && !slices.ContainsFunc(by, func(a author) bool { return a.id == id }) {
			by = append(by, author{id: id})
		}
	}
	if len(by) == 0 {
		return nil, se
	}
	return by, nil
}

// sender returns under whose name c is sent.
func (s *Source) sender(ctx context.Context, c *providers.Consignment) (author, *providers.SourceError) {
	if c.Token != "" {
		as, ok := readSession(c.Token) // that it may have ended matters to nobody here
		if !ok {
			return author{}, &providers.SourceError{Code: providers.CodeUnauthorized, Message: "whose comment to look for cannot be told: the token that came with the check-in is not one of Open Charge Map's"}
		}
		return as.author, nil
	}
	if s.account == nil {
		return author{}, &providers.SourceError{Code: providers.CodeUnauthorized, Message: "whose comment to look for cannot be told: no account at Open Charge Map is configured"}
	}
	return s.account.author(ctx)
}

// comments returns what OCM shows at a site.
func (s *Source) comments(ctx context.Context, site int) (list wire.List[wireComment], err error) {
	elements, found, broken := 0, false, false
	err = s.client.get(ctx, "poi", url.Values{
		"chargepointid": {strconv.Itoa(site)}, "maxresults": {"2"},
		"compact": {"true"}, "verbose": {"false"}, "includecomments": {"true"},
	}, func(body io.Reader) error {
		return s.client.Elements(body, wire.Lenient(), func(raw jsontext.Value) {
			elements++
			var w wirePOI
			if raw.Kind() != jsontext.KindBeginObject || json.Unmarshal(raw, &w, wire.Lenient()) != nil {
				broken = true
				return
			}
			if id, ok := idOf(w.ID); ok && id == site && !found {
				list, found = w.UserComments, true
			}
		}, func(*jsontext.Decoder) error {
			return upstream.BadResponse("Open Charge Map answered with an object where a list of sites should be", nil)
		})
	})
	switch {
	case err != nil:
		return nil, err
	case found:
		return list, nil
	case broken:
		return nil, upstream.BadResponse("the site in Open Charge Map's answer could not be read", nil)
	case elements > 0:
		return nil, otherQuestion()
	}
	return nil, &providers.SourceError{Code: providers.CodeNotFound, Message: "Open Charge Map does not show the site, so that nobody can tell which comments it has"}
}

// sought is a comment that may be among those of a site.
type sought struct {
	wireSubmission
	by     authors
	marked bool        // RelatedURL is a marker that no other comment has
	sentAt []time.Time // not needed where it is marked
	others []string    // names of comments that are known to be others
}

// in returns the name of the comment in list, as a record calls it. An error says
// that one may be it whose author OCM does not tell.
func (q *sought) in(list wire.List[wireComment]) (externalID string, ok bool, se *providers.SourceError) {
	names := make(wire.Names, len(list))
	best := nearby + 1
	doubtful := false
	for i := range list {
		w := &list[i]
		name, isNew := names.Of(idOf(w.ID))
		if !isNew || slices.Contains(q.others, name) {
			continue
		}
		away := time.Duration(0)
		if q.marked {
			if strings.TrimSpace(string(w.RelatedURL)) != q.RelatedURL {
				continue
			}
		} else if away = q.away(w.DateCreated.Time); away > nearby || !q.same(w) {
			continue
		}
		switch mine, known := q.by.wrote(w); {
		case !known:
			doubtful = true
		case mine && away < best:
			externalID, best = name, away
		}
	}
	if externalID == "" && doubtful {
		return "", false, &providers.SourceError{Code: providers.CodeSuspectAnswer, Message: "Open Charge Map shows a comment that may be the check-in, and does not tell who wrote it"}
	}
	return externalID, externalID != "", nil
}

// authors are who may have written a comment.
type authors []author

// wrote reports whether the comment is by one of them; known is false where OCM
// does not say.
func (list authors) wrote(w *wireComment) (mine, known bool) {
	known = true
	for _, a := range list {
		mine, sure := a.wrote(w)
		if mine {
			return true, true
		}
		known = known && sure
	}
	return false, known
}

// wrote reports whether the comment is by this author; known is false where OCM
// does not say. A name alone is not enough, because anyone may take it.
func (a author) wrote(w *wireComment) (mine, known bool) {
	if id, ok := idOf(w.User.Value.ID); ok {
		return id == a.id, true
	}
	name := clean.Line(string(w.User.Value.Username))
	if name != "" && a.name != "" && !strings.EqualFold(name, a.name) {
		return false, true
	}
	return false, false
}

// away returns how far a time is from the nearest at which the comment was sent.
func (q *sought) away(at time.Time) time.Duration {
	least := nearby + 1
	for _, t := range q.sentAt {
		least = min(least, at.Sub(t).Abs())
	}
	return least
}

// same reports whether a comment says what was sent.
func (q *sought) same(w *wireComment) bool {
	kind, ok := integer(w.CommentTypeID)
	if !ok || kind != q.CommentTypeID {
		return false
	}
	status, ok := integer(w.CheckinStatusTypeID)
	if !ok || status != q.CheckinStatusTypeID {
		return false
	}
	rating, _ := integer(w.Rating) // 0 and none are one
	sent := 0
	if q.Rating != nil {
		sent = *q.Rating
	}
	address := func(s string) string { return strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "/")) }
	return rating == sent && clean.Text(string(w.Comment)) == clean.Text(q.Comment) && address(string(w.RelatedURL)) == address(q.RelatedURL)
}
