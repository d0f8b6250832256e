package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/graph"
	"chargegraph/loaders"
	"chargegraph/providers"
)

// ErrUnavailable is among the errors of a CheckIns that cannot keep or read check-ins
// at present.
var ErrUnavailable = errors.New("check-ins can be neither kept nor read at present")

// CheckIns keeps check-ins and delivers them. Its errors that a caller can do
// something about are *providers.UserError, or several of them joined. What it
// returns has no site in its comment.
type CheckIns interface {
	// Submit keeps a check-in durably before it returns. When this very submission
	// has been accepted before, that one is the result, and replayed is true.
	Submit(ctx context.Context, caller string, s providers.Submission) (c *providers.CheckIn, replayed bool, err error)
	// Retry tries the failed deliveries of a check-in again; token is a fresh
	// session of the caller's at the provider, or "".
	Retry(ctx context.Context, caller, id, token string) (*providers.CheckIn, error)
	// CheckIn returns one of the caller's own.
	CheckIn(ctx context.Context, caller, id string) (*providers.CheckIn, error)
	// Shown returns the check-in that a comment of this service shows, as anyone
	// may see it.
	Shown(ctx context.Context, comment providers.ID) (*providers.CheckIn, error)
	// Watch sends the present state of one of the caller's own, and then every
	// change. It closes the channel when nothing more will change by itself, when
	// ctx ends, and when nobody takes what it sends.
	Watch(ctx context.Context, caller, id string) (<-chan *providers.CheckIn, error)
	// Added sends every check-in that is accepted from now on, here or in another
	// process. It closes the channel when ctx ends and when nobody takes what it
	// sends.
	Added(ctx context.Context) <-chan *providers.CheckIn
}

type callerKey struct{}

// WithCaller returns a context that carries who asks; "" is nobody in particular.
func WithCaller(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, callerKey{}, id)
}

// WithoutCaller returns a context that carries why who asks may have no check-ins.
func WithoutCaller(ctx context.Context, why *providers.UserError) context.Context {
	return context.WithValue(ctx, callerKey{}, why)
}

// OCMTokenHeader carries the caller's own session at Open Charge Map.
const OCMTokenHeader = "X-OCM-Token" //nolint:gosec // the name of a header

func unauthenticated() *providers.UserError {
	return &providers.UserError{
		Code:    providers.UserErrorUnauthenticated,
		Message: "check-ins need a caller: send an API key or a token in the Authorization header",
	}
}

func noCheckIns() *providers.UserError {
	return &providers.UserError{Code: providers.UserErrorUnsupported, Message: "this service takes no check-ins"}
}

// checkInCaller returns who hands in or asks for a check-in, or why nobody may.
func (r root) checkInCaller(ctx context.Context) (string, *providers.UserError) {
	if r.checkIns == nil {
		return "", noCheckIns()
	}
	switch caller := ctx.Value(callerKey{}).(type) {
	case string:
		if caller != "" {
			return caller, nil
		}
	case *providers.UserError:
		return "", caller
	}
	return "", unauthenticated()
}

type mutationResolver struct{ root }

// SubmitCheckIn implements graph.MutationResolver.
func (r mutationResolver) SubmitCheckIn(ctx context.Context, in graph.SubmitCheckInInput) (*graph.SubmitCheckInPayload, error) {
	caller, refused := r.checkInCaller(ctx)
	if refused != nil {
		return payload(ctx, nil, false, refused)
	}
	submission := providers.Submission{
		IdempotencyKey: in.IdempotencyKey, POIID: in.PoiID, Token: ocmToken(ctx), DeliverTo: in.DeliverTo,
		Report: providers.Report{
			Outcome: in.Outcome, Kind: in.Kind, Text: orZero(in.Text), Rating: in.Rating,
			RelatedURL: orZero(in.RelatedURL), UserName: orZero(in.UserName),
		},
	}
	c, replayed, err := r.checkIns.Submit(ctx, caller, submission)
	return payload(ctx, c, replayed, err)
}

// RetryCheckIn implements graph.MutationResolver.
func (r mutationResolver) RetryCheckIn(ctx context.Context, id string) (*graph.SubmitCheckInPayload, error) {
	caller, refused := r.checkInCaller(ctx)
	if refused != nil {
		return payload(ctx, nil, false, refused)
	}
	c, err := r.checkIns.Retry(ctx, caller, id, ocmToken(ctx))
	return payload(ctx, c, false, err)
}

// ocmToken returns the caller's own session at Open Charge Map, "" where the
// request brings none.
func ocmToken(ctx context.Context) string {
	return graphql.GetOperationContext(ctx).Headers.Get(OCMTokenHeader)
}

// payload tells mistakes of the caller beside the data, and all else as an error.
func payload(ctx context.Context, c *providers.CheckIn, replayed bool, err error) (*graph.SubmitCheckInPayload, error) {
	mistakes, rest := userErrors(err)
	if rest != nil {
		return nil, present(ctx, rest)
	}
	if c != nil {
		withSite(ctx, c)
	}
	return &graph.SubmitCheckInPayload{CheckIn: c, UserErrors: mistakes, Replayed: replayed}, nil
}

// userErrors takes an error apart: mistakes of the caller, or another error.
func userErrors(err error) (mistakes []*providers.UserError, rest error) {
	mistakes = []*providers.UserError{}
	if err == nil {
		return mistakes, nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			more, other := userErrors(one)
			if other != nil {
				return mistakes, err
			}
			mistakes = append(mistakes, more...)
		}
		return mistakes, nil
	}
	if mistake, ok := errors.AsType[*providers.UserError](err); ok {
		return append(mistakes, mistake), nil
	}
	return mistakes, err
}

// withSite puts the site into the comment of c, where the operation asks for it.
// A site that cannot be had now stays out: the check-in is there all the same.
func withSite(ctx context.Context, c *providers.CheckIn) {
	if selects(ctx, "Comment", "poi") {
		c.Comment.POI = siteOf(ctx, c)
	}
}

// siteOf returns the site that a check-in is about; nil when it is not known now.
func siteOf(ctx context.Context, c *providers.CheckIn) *providers.POI {
	id, err := providers.ParseID(c.POIID)
	if err != nil {
		return nil
	}
	return loaders.OperationFrom(ctx).POIs(ctx, []providers.Key{id.Key}, nil, wantsWhole(ctx))[0].POI
}

// CheckIn implements graph.QueryResolver.
func (r queryResolver) CheckIn(ctx context.Context, id string) (*providers.CheckIn, error) {
	c, err := r.ownCheckIn(ctx, id)
	return c, presentMistake(ctx, err)
}

// ownCheckIn returns a check-in of the caller's, nil when there is none.
func (r root) ownCheckIn(ctx context.Context, id string) (*providers.CheckIn, error) {
	caller, refused := r.checkInCaller(ctx)
	if refused != nil {
		return nil, refused
	}
	loaders.OperationFrom(ctx).Personal()
	c, err := r.checkIns.CheckIn(ctx, caller, id)
	if mistake, ok := errors.AsType[*providers.UserError](err); ok && mistake.Code == providers.UserErrorNotFound {
		return nil, nil
	}
	if c != nil {
		withSite(ctx, c)
	}
	return c, err
}

// ownComment returns the comment of this service with an id, or the provider's
// copy that has taken its place; nil when there is none.
func (r root) ownComment(ctx context.Context, id providers.ID) (*providers.Comment, error) {
	if r.checkIns == nil {
		return nil, nil
	}
	c, err := r.checkIns.Shown(ctx, id)
	if mistake, ok := errors.AsType[*providers.UserError](err); ok && mistake.Code == providers.UserErrorNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	loaders.OperationFrom(ctx).Personal() // its state changes at any moment
	poi := siteOf(ctx, c)
	if poi == nil {
		return c.Comment, nil
	}
	for _, d := range c.Deliveries {
		for _, copied := range poi.Comments {
			if copied.Provider() == d.Provider && d.ExternalID != "" && copied.ExternalID == d.ExternalID {
				copied.POI = poi
				return &copied, nil
			}
		}
	}
	c.Comment.POI = poi
	return c.Comment, nil
}

type subscriptionResolver struct{ root }

// CheckInUpdated implements graph.SubscriptionResolver.
func (r subscriptionResolver) CheckInUpdated(ctx context.Context, id string) (<-chan *providers.CheckIn, error) {
	caller, refused := r.checkInCaller(ctx)
	if refused != nil {
		return nil, presentMistake(ctx, refused)
	}
	changes, err := r.checkIns.Watch(ctx, caller, id)
	if err != nil {
		return nil, presentMistake(ctx, err)
	}
	return forward(ctx, changes, func(c *providers.CheckIn) (*providers.CheckIn, bool) {
		withSite(ctx, c)
		return c, true
	}), nil
}

// maxWatched bounds the sites that one subscription names, as nodes does.
const maxWatched = 100

// CommentAdded implements graph.SubscriptionResolver.
func (r subscriptionResolver) CommentAdded(ctx context.Context, area *graph.AreaInput, poiIDs []string) (<-chan *providers.Comment, error) {
	if r.checkIns == nil {
		return nil, presentMistake(ctx, noCheckIns())
	}
	var where providers.Area
	if area != nil {
		read, err := readArea(ctx, argument{"area"}, *area)
		if err != nil {
			return nil, err
		}
		where = read
	}
	switch {
	case area == nil && len(poiIDs) == 0:
		return nil, argument{"area"}.refuse(ctx, "give an area, ids of sites in poiIds, or both")
	case len(poiIDs) > maxWatched:
		return nil, argument{"poiIds"}.refuse(ctx, "at most %d ids; these are %d", maxWatched, len(poiIDs))
	}
	var watched []providers.Key
	for i, text := range poiIDs {
		id, err := parseIDOf(ctx, argument{"poiIds"}.in(i), text, providers.KindPOI, "a POI, for example poi:ocm:1234")
		if err != nil {
			return nil, err
		}
		watched = append(watched, id.Key)
	}
	// The operation's own reading would remember a site as it was at the first event.
	catalog := loaders.OperationFrom(ctx).Catalog()
	return forward(ctx, r.checkIns.Added(ctx), func(c *providers.CheckIn) (*providers.Comment, bool) {
		c.Comment.POI = siteOf(loaders.WithOperation(ctx, catalog.Begin()), c)
		return c.Comment, concerns(c.Comment.POI, where, watched)
	}), nil
}

// forward hands on what turn makes of each event, and leaves out what it refuses.
// The channel is closed with in, and when ctx ends.
func forward[A, B any](ctx context.Context, in <-chan A, turn func(A) (B, bool)) <-chan B {
	out := make(chan B)
	go func() {
		defer close(out)
		for event := range in {
			turned, wanted := turn(event)
			if !wanted {
				continue
			}
			select {
			case out <- turned:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// concerns reports whether a site lies in where or has one of the keys.
func concerns(p *providers.POI, where providers.Area, keys []providers.Key) bool {
	if p == nil {
		return false
	}
	if where != nil && where.Holds(p.Site) {
		return true
	}
	return slices.ContainsFunc(p.Members, func(r *providers.Record) bool {
		return slices.ContainsFunc(keys, func(k providers.Key) bool { return k.Covers(r.Key) })
	})
}

// presentMistake turns a mistake of the caller into an error of a field.
func presentMistake(ctx context.Context, err error) error {
	mistake, ok := errors.AsType[*providers.UserError](err)
	if !ok {
		return present(ctx, err)
	}
	return &gqlerror.Error{Message: mistake.Message, Path: graphql.GetPath(ctx), Extensions: map[string]any{"code": string(mistake.Code)}}
}
