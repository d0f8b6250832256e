package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

const (
	// ocmFirstComment is beyond the ids of comments that are there from the start.
	ocmFirstComment = 1_000_000_001
	// ocmMaxComments bounds the memory of a simulator that runs for days; then it
	// takes no more, in the words of a service whose writes are switched off.
	ocmMaxComments = 100_000
	// ocmMaxURL is what the column of a related URL holds.
	ocmMaxURL = 500
)

// OCMComment is one comment that was submitted to a simulator. The names are
// those of the wire.
type OCMComment struct {
	ID                  int
	ChargePointID       int
	UserID              int
	UserName            string
	CommentTypeID       int
	CheckinStatusTypeID *int
	Comment             string
	Rating              *int
	RelatedURL          string
	DateCreated         time.Time
}

// ocmComments are the comments that were submitted, in their order.
type ocmComments struct {
	mu     sync.Mutex
	list   []OCMComment
	hidden []hiddenComment
}

// hiddenComment is stored and not yet shown.
type hiddenComment struct {
	ocmComment
	until time.Time
}

// Comments returns the comments that were submitted and stored since the start,
// oldest first. A comment that was sent twice is there twice.
func (o *OCM) Comments() []OCMComment {
	o.comments.mu.Lock()
	defer o.comments.mu.Unlock()
	return slices.Clone(o.comments.list)
}

// controlComments lists them to tests that run elsewhere.
func (o *OCM) controlComments(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	all := o.Comments()
	for name, values := range r.URL.Query() {
		value := func(c *OCMComment) string { return "" }
		switch name {
		case "chargepointid":
			value = func(c *OCMComment) string { return strconv.Itoa(c.ChargePointID) }
		case "userid":
			value = func(c *OCMComment) string { return strconv.Itoa(c.UserID) }
		case "relatedurl":
			value = func(c *OCMComment) string { return c.RelatedURL }
		case "comment":
			value = func(c *OCMComment) string { return c.Comment }
		default:
			http.Error(w, "want no parameters but chargepointid, userid, relatedurl, comment", http.StatusBadRequest)
			return
		}
		all = slices.DeleteFunc(all, func(c OCMComment) bool { return !slices.Contains(values, value(&c)) })
	}
	if all == nil {
		all = []OCMComment{}
	}
	writeControl(w, map[string]any{"count": len(all), "comments": all})
}

// submitsOCMComment reports whether a request is the submission of a comment, in
// the present or in the old form.
func submitsOCMComment(r *http.Request) bool {
	return r.Method == http.MethodPost &&
		(strings.Contains(r.URL.Path, "/v3/comment") || r.URL.Query().Get("action") == "comment_submission")
}

// ocmSubmission is the body of one; encoding/json matches names in any case, as
// the service does.
type ocmSubmission struct {
	ChargePointID       int
	CommentTypeID       *int
	UserCommentTypeID   *int // its old name
	CheckinStatusTypeID *int
	Comment             *string
	Rating              *uint8
	RelatedURL          *string
}

func ocmReadOnly() answer {
	return ocmSaid(http.StatusBadRequest, `{"status":"error","description":"API is read only. Submissions not currently being accepted."}`)
}

// ocmSaid is an answer about a submission, which has no content type.
func ocmSaid(status int, body string) answer { return answer{status: status, body: []byte(body)} }

// comment answers the submission of a comment. Whatever is not stored for a
// reason that a client could mend, and whatever failed after it was stored, is
// told in the same words.
func (o *OCM) comment(r *http.Request) answer {
	fault := faultOf(r.Context())
	if fault == CommentReadOnly {
		return ocmReadOnly()
	}
	user, refused, ok := o.author(r)
	if !ok {
		return refused
	}
	if fault == CommentExpired {
		o.accounts.exchange(user)
		return answer{status: http.StatusUnauthorized}
	}
	var s ocmSubmission
	body, err := io.ReadAll(io.LimitReader(r.Body, ocmMaxBody))
	if err != nil {
		return answer{status: http.StatusOK}
	}
	if json.Unmarshal(body, &s) != nil {
		return ocmSaid(http.StatusOK, "Error: Validation Failed")
	}
	failed := ocmSaid(http.StatusBadRequest, `{"status":"error","description":"Failed"}`)
	switch fault {
	case CommentTimeoutLost, CommentErrorLost, CommentEmptyLost, CommentFailedLost:
	default:
		full, stored := o.store(user, &s, hiddenFor(r.Context()))
		if full {
			return ocmReadOnly()
		}
		if !stored {
			return failed
		}
	}
	switch fault {
	case CommentTimeout, CommentTimeoutLost:
		return answer{unheard: true}
	case CommentError, CommentErrorLost:
		return answer{status: http.StatusInternalServerError}
	case CommentEmpty, CommentEmptyLost:
		return answer{status: http.StatusOK}
	case CommentFailed, CommentFailedLost:
		return failed
	default:
		return ocmSaid(http.StatusOK, `{"status":"OK","description":"OK"}`)
	}
}

// store keeps a comment and shows it with its record, at once or when it has been
// hidden long enough. It is not stored where it names what does not exist, or
// does not fit.
func (o *OCM) store(user int, s *ocmSubmission, hidden time.Duration) (full, stored bool) {
	author, known := o.accounts.user(user)
	if !known {
		return false, false
	}
	c := ocmComment{
		ChargePointID: s.ChargePointID, CommentTypeID: s.CommentTypeID, CheckinStatusTypeID: s.CheckinStatusTypeID,
		User: author, UserName: author.Username, Comment: s.Comment, RelatedURL: s.RelatedURL,
	}
	if c.CommentTypeID == nil {
		c.CommentTypeID = s.UserCommentTypeID
	}
	if c.CommentTypeID == nil {
		c.CommentTypeID = new(10)
	}
	if s.Rating != nil {
		c.Rating = new(int(*s.Rating))
	}
	c.CommentType = find(o.data.lookup.comments, c.CommentTypeID)
	c.CheckinStatusType = find(o.data.lookup.checkins, c.CheckinStatusTypeID)
	if c.CommentType == nil || c.CheckinStatusTypeID != nil && c.CheckinStatusType == nil ||
		c.RelatedURL != nil && len(utf16.Encode([]rune(*c.RelatedURL))) > ocmMaxURL {
		return false, false
	}
	o.comments.mu.Lock()
	defer o.comments.mu.Unlock()
	if len(o.comments.list) >= ocmMaxComments {
		return true, false
	}
	c.ID = ocmFirstComment + len(o.comments.list)
	at := o.accounts.now().UTC()
	c.DateCreated = ocmTime(at)
	if !o.index.holds(c.ChargePointID) {
		return false, false
	}
	if hidden > 0 {
		o.comments.hidden = append(o.comments.hidden, hiddenComment{c, at.Add(hidden)})
	} else {
		o.show(c)
	}
	o.accounts.reward(user)
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	o.comments.list = append(o.comments.list, OCMComment{
		ID: c.ID, ChargePointID: c.ChargePointID, UserID: user, UserName: text(c.UserName),
		CommentTypeID: *c.CommentTypeID, CheckinStatusTypeID: c.CheckinStatusTypeID,
		Comment: text(c.Comment), Rating: c.Rating, RelatedURL: text(c.RelatedURL), DateCreated: c.DateCreated.at,
	})
	return false, true
}

// show puts a comment before those of its record, newest first.
func (o *OCM) show(c ocmComment) {
	o.index.edit(c.ChargePointID, func(p *ocmPOI) {
		p.UserComments = append([]ocmComment{c}, p.UserComments...)
		p.DateLastStatusUpdate = ocmTime(c.DateCreated.at.Truncate(time.Second))
	})
}

// catchUp shows the comments that were hidden long enough.
func (o *OCM) catchUp() {
	o.comments.mu.Lock()
	defer o.comments.mu.Unlock()
	now := o.accounts.now()
	o.comments.hidden = slices.DeleteFunc(o.comments.hidden, func(c hiddenComment) bool {
		due := !now.Before(c.until)
		if due {
			o.show(c.ocmComment)
		}
		return due
	})
}
