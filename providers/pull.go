package providers

import "time"

// Pulled sums up one pull of a source whose records are held here.
type Pulled struct {
	// AsOf is the time of which the pulled records are a true picture: when the
	// pull began, or when the file was written. The next pull is asked for what
	// changed since then.
	AsOf time.Time
	// Whole says that the source gave all it has, so that a record it did not
	// give is gone. A pull for changes may be whole, one for everything may not.
	Whole bool
	// Unread is how many records the source said it has but did not give.
	Unread int
}
