package ocpi

import (
	"context"
	"os"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
)

// file reads the feed from its file, unless that is the one that was read last.
func (p *pull) file(ctx context.Context, since time.Time) (providers.Pulled, error) {
	f := p.feed
	unreadable := func() error {
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "the feed's file cannot be read"}
	}
	file, err := os.Open(f.cfg.File)
	if err != nil {
		return providers.Pulled{}, unreadable()
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return providers.Pulled{}, unreadable()
	}
	written := info.ModTime().UTC()
	if written.Equal(since) {
		p.report.Unchanged = true
		return providers.Pulled{AsOf: written}, nil
	}
	body, err := unpack(upstream.NewCapped(contextReader{ctx: ctx, r: file}, maxBody))
	if err != nil {
		return providers.Pulled{}, bodyError(ctx, err)
	}
	p.mapper.fetchedAt = written
	page, err := readPage(body, new(wireLocation), p.take)
	if err != nil {
		return providers.Pulled{}, bodyError(ctx, err)
	}
	if page.unlisted {
		return providers.Pulled{}, upstream.BadResponse("the feed's file holds no list of locations", nil)
	}
	p.report.Pages = 1
	return providers.Pulled{AsOf: written, Whole: true}, nil
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one call of file
	r   *os.File
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
