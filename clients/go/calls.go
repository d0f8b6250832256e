package chargegraph

import (
	"context"
	"iter"
)

// AllSites returns the sites of an area that meet filter, in their order: it asks
// for the next page, of perPage, when the one before has been gone through. An
// error is the last thing that it yields.
func AllSites(ctx context.Context, c *Client, area *AreaInput, filter *POIFilter, perPage int) iter.Seq2[*SiteHit, error] {
	return func(yield func(*SiteHit, error) bool) {
		var after *string
		for {
			answer, err := Sites(ctx, c, area, filter, nil, &perPage, after)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, hit := range answer.Pois.Edges {
				if !yield(hit, nil) {
					return
				}
			}
			if !answer.Pois.PageInfo.HasNextPage {
				return
			}
			after = answer.Pois.PageInfo.EndCursor
		}
	}
}

// CheckInAtSite hands in a check-in, and returns it as the service keeps it.
// Repeat it with the same IdempotencyKey when it is not known whether it arrived.
// It returns a MistakesError when the service did not accept it.
func CheckInAtSite(ctx context.Context, c *Client, input SubmitCheckInInput) (*Accepted, error) {
	answer, err := SubmitCheckIn(ctx, c, &input)
	switch {
	case err != nil:
		return nil, err
	case len(answer.SubmitCheckIn.UserErrors) > 0:
		return nil, MistakesError(answer.SubmitCheckIn.UserErrors)
	}
	return answer.SubmitCheckIn.CheckIn, nil
}

// FollowCheckIn yields how far an own check-in got: its present state first, each
// change then, until nothing more changes by itself. An error is the last thing
// that it yields.
func FollowCheckIn(ctx context.Context, c *Client, id string) iter.Seq2[*Progress, error] {
	events := subscribe[CheckInUpdatedResponse](ctx, c, CheckInUpdated_Operation, map[string]any{"id": id})
	return func(yield func(*Progress, error) bool) {
		for event, err := range events {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(event.CheckInUpdated, nil) {
				return
			}
		}
	}
}

// NewComments yields each comment that is made through the service from now on
// inside area. It ends with an error: that of ctx, or of the connection, after
// which ask again and look for what was missed.
func NewComments(ctx context.Context, c *Client, area *AreaInput) iter.Seq2[*AddedComment, error] {
	events := subscribe[CommentAddedResponse](ctx, c, CommentAdded_Operation, map[string]any{"area": area})
	return func(yield func(*AddedComment, error) bool) {
		for event, err := range events {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(event.CommentAdded, nil) {
				return
			}
		}
	}
}
