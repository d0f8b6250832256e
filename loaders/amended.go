package loaders

import (
	"context"

	"chargegraph/providers"
)

// Amended tells that what Config.Amend adds to the sites with these records has
// changed: the finished answers that show one of them are dropped, here and in
// other processes. What the sources said stays cached. It is cheap.
func (c *Catalog) Amended(ctx context.Context, keys ...providers.Key) {
	tags := make([]string, len(keys))
	for i, k := range keys {
		tags[i] = c.recordTag(k)
	}
	c.places.cache.Invalidate(ctx, tags...)
}
