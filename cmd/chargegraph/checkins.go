package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/resolvers"
	"chargegraph/server/access"
)

// desk takes check-ins for the graph: it keeps and delivers them while run runs.
type desk struct {
	store     checkins.Store
	secrets   *checkins.Secrets
	logger    *slog.Logger
	service   *checkins.Service
	deliverer *checkins.Deliverer
	takers    atomic.Pointer[map[providers.SourceID]providers.CheckInTaker]
}

var _ resolvers.CheckIns = (*desk)(nil)

// deliverTo makes those of sources that take check-ins the ones that get them.
func (d *desk) deliverTo(sources []providers.Provider) {
	takers := make(map[providers.SourceID]providers.CheckInTaker)
	for _, p := range sources {
		if taker, ok := p.(providers.CheckInTaker); ok && p.Source().Capabilities.CheckIns {
			takers[p.Source().ID] = taker
		}
	}
	d.takers.Store(&takers)
}

// taker returns the source of an id, if it takes check-ins.
func (d *desk) taker(id providers.SourceID) (providers.CheckInTaker, bool) {
	taker, ok := (*d.takers.Load())[id]
	return taker, ok
}

// openStore opens where check-ins are kept, nil for nowhere. shared is the Redis
// that all is shared in; nil: there is none. later: a Redis need not be there yet.
func openStore(ctx context.Context, cfg checkInConfig, shared redis.UniversalClient, later bool, logger *slog.Logger) (checkins.Store, error) {
	kind, where, err := cfg.kind()
	if err != nil {
		return nil, err
	}
	if kind == "" {
		var lacks string
		if kind, lacks, err = cfg.usualStore(shared != nil); err != nil {
			return nil, err
		}
		if lacks != "" {
			logger.LogAttrs(ctx, slog.LevelInfo, "check-ins are off", slog.String("because", lacks))
		}
	}
	keeping := checkins.RedisConfig{AllowVolatile: cfg.Volatile, Later: later, Logger: logger}
	switch {
	case kind == "off":
		return nil, nil //nolint:nilnil // off is no store, and no error
	case kind == "sqlite":
		return opened(checkins.OpenSQLite(ctx, where))
	case where != "":
		client, refused := connect(secret(where))
		if refused != nil {
			return nil, fmt.Errorf("checkins: store: %w", refused)
		}
		own, refused := checkins.OpenRedis(ctx, client, keeping)
		if refused != nil {
			return nil, errors.Join(refused, client.Close())
		}
		return ownRedis{own, client}, nil
	case shared == nil:
		return nil, fmt.Errorf("checkins: store is redis, but no Redis is configured: set redis or %s, or name one of their own", envRedis)
	}
	return opened(checkins.OpenRedis(ctx, shared, keeping))
}

// usualStore is where check-ins are kept when nobody says so: in the shared Redis,
// if there is one, or nowhere, because something lacks for which there are signs
// that it is wanted. Who says how they are to be delivered must not find out later
// that there are none.
func (c *checkInConfig) usualStore(shared bool) (kind, lacks string, err error) {
	switch {
	case shared && c.Secret != "":
		return "redis", "", nil
	case shared:
		lacks = "Redis is configured, but no secret: set checkins: {secret: …} or " + envSecret + ", or name a store"
	case c.Secret != "" || c.tuned():
		lacks = "no store is named: write checkins: {store: \"sqlite:FILE\"}, or configure a Redis"
	}
	if c.tuned() {
		return "", "", errors.New("checkins are configured, but would be off: " + lacks)
	}
	return "off", lacks, nil
}

// connect returns a client of a Redis; nothing is connected yet.
func connect(url secret) (redis.UniversalClient, error) {
	logging.Disable() // go-redis would write every failure to connect to stderr
	return cache.Connect(string(url))
}

// ownRedis keeps check-ins in a Redis of their own.
type ownRedis struct {
	*checkins.Redis

	client redis.UniversalClient
}

// Close implements checkins.Store.
func (o ownRedis) Close() error { return errors.Join(o.Redis.Close(), o.client.Close()) }

// opened returns a store, and nothing where there is an error: a nil *SQLite would
// not be a nil Store.
func opened[S checkins.Store](s S, err error) (checkins.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newDesk returns a desk over an open store, which delivers to nobody yet. catalog
// finds sites; it is asked for only once everything runs.
func newDesk(store checkins.Store, cfg checkInConfig, limiter access.Limiter, catalog func() *loaders.Catalog, logger *slog.Logger) (*desk, error) {
	secrets, err := checkins.NewSecrets(string(cfg.Secret), cfg.MarkerURL)
	if err != nil {
		return nil, err
	}
	d := &desk{store: store, secrets: secrets, logger: logger}
	d.deliverTo(nil)
	if d.deliverer, err = checkins.NewDeliverer(store, d.taker, cfg.deliverer(secrets, logger)); err != nil {
		return nil, err
	}
	d.service, err = checkins.NewService(store, checkins.Config{
		POI: func(ctx context.Context, id string) (*providers.POI, error) {
			parsed, wrong := providers.ParseID(id)
			if wrong != nil || parsed.Kind != providers.KindPOI {
				return nil, checkins.ErrNotFound
			}
			found := catalog().Begin().POIs(ctx, []providers.Key{parsed.Key}, nil, false)[0]
			if found.POI == nil && found.Err == nil {
				return nil, checkins.ErrNotFound
			}
			return found.POI, found.Err
		},
		Taker: d.taker, Secrets: secrets, Limiter: cfg.submissions(limiter), Wake: d.deliverer.Wake, Logger: logger,
		ShowFor: time.Duration(cfg.ShowFor),
		Changed: func(c checkins.Change) { changed(catalog(), c) },
	})
	return d, err
}

// deliverer returns how check-ins are delivered.
func (c *checkInConfig) deliverer(secrets *checkins.Secrets, logger *slog.Logger) checkins.DelivererConfig {
	return checkins.DelivererConfig{
		Rules: checkins.Rules{
			SendTimeout: time.Duration(c.SendTimeout), Lease: time.Duration(c.Lease), Lag: time.Duration(c.Lag),
			FirstRetry: time.Duration(c.FirstRetry), MaxRetry: time.Duration(c.MaxRetry),
			MaxAttempts: c.MaxAttempts, MaxAge: time.Duration(c.MaxAge),
		},
		Secrets: secrets, Workers: c.Workers, Keep: time.Duration(c.Keep), Logger: logger,
	}
}

// changed drops the answers that show the site of a check-in that has changed.
// When a provider has just taken it, what is cached of that provider's record
// goes too, so that its own copy is read soon.
func changed(catalog *loaders.Catalog, c checkins.Change) {
	catalog.Amended(context.Background(), c.Entry.Members...)
	for i := range c.Entry.Targets {
		t := &c.Entry.Targets[i]
		if t.State == providers.DeliveryDelivered && t.Provider != providers.Local && t.UpdatedAt.Equal(c.Entry.UpdatedAt) {
			catalog.Forget(context.Background(), t.Record)
		}
	}
}

// What one caller may submit: a fleet's app reports a charge per car and hour.
const (
	submissionsPerHour = 600
	submissionsAtOnce  = 60
)

// submissions bounds what one caller may submit.
type submissions struct {
	limiter access.Limiter
	limit   access.Limit
}

var _ checkins.Limiter = submissions{}

// submissions returns what bounds submissions, counted by limiter.
func (c *checkInConfig) submissions(limiter access.Limiter) submissions {
	return submissions{limiter, access.Limit{
		PerSecond: float64(cmp.Or(c.PerHour, submissionsPerHour)) / time.Hour.Seconds(),
		Burst:     float64(cmp.Or(c.AtOnce, submissionsAtOnce)),
	}}
}

// Allow implements checkins.Limiter.
func (s submissions) Allow(ctx context.Context, caller string) (wait time.Duration, err error) {
	d, err := s.limiter.Take(ctx, "checkin:"+caller, 1, s.limit) // beside the bucket of the caller's costs
	if err != nil || d.OK {
		return 0, err
	}
	return max(d.RetryAfter, time.Second), nil
}

// run keeps what is shown in step and delivers, until ctx ends.
func (d *desk) run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.service.Run(ctx) }) // both end without error, when ctx does
	wg.Go(func() { _ = d.deliverer.Run(ctx) })
	return wg.Wait
}

// amend adds to a POI what was reported of it through this service and is not
// in the records of its providers yet, and takes the markers of what is from the
// comments: their links lead nowhere.
func (d *desk) amend(p *providers.POI) *providers.POI {
	keys := make([]providers.Key, len(p.Members))
	for i, r := range p.Members {
		keys[i] = r.Key
	}
	entries := d.service.Pending(keys)
	marked := func(c providers.Comment) bool { return d.secrets.Marks(c.RelatedURL) }
	if len(entries) == 0 && !slices.ContainsFunc(p.Comments, marked) {
		return p
	}
	site, amended := *p.Site, *p
	site.Comments = slices.Clone(checkins.Merge(site.Comments, entries))
	for i := range site.Comments {
		if marked(site.Comments[i]) {
			site.Comments[i].RelatedURL = ""
		}
	}
	if len(entries) > 0 {
		site.Derive()
	}
	amended.Site = &site
	return &amended
}

// Submit implements resolvers.CheckIns.
func (d *desk) Submit(ctx context.Context, caller string, s providers.Submission) (*providers.CheckIn, bool, error) {
	e, replayed, err := d.service.Submit(ctx, caller, s)
	if err != nil {
		return nil, false, d.mistakes(ctx, err)
	}
	return e.CheckIn(), replayed, nil
}

// Retry implements resolvers.CheckIns.
func (d *desk) Retry(ctx context.Context, caller, id, token string) (*providers.CheckIn, error) {
	return d.checkInOf(ctx)(d.service.Retry(ctx, caller, id, token))
}

// CheckIn implements resolvers.CheckIns.
func (d *desk) CheckIn(ctx context.Context, caller, id string) (*providers.CheckIn, error) {
	return d.checkInOf(ctx)(d.service.Get(ctx, caller, id))
}

// Shown implements resolvers.CheckIns.
func (d *desk) Shown(ctx context.Context, comment providers.ID) (*providers.CheckIn, error) {
	id, ok := checkins.EntryID(comment)
	if !ok {
		return nil, d.mistakes(ctx, checkins.ErrNotFound)
	}
	return d.checkInOf(ctx)(d.service.Shown(ctx, id))
}

// Watch implements resolvers.CheckIns.
func (d *desk) Watch(ctx context.Context, caller, id string) (<-chan *providers.CheckIn, error) {
	ctx, cancel := context.WithCancel(ctx)
	entries, err := d.service.Subscribe(ctx, caller, id)
	if err != nil {
		err = d.mistakes(ctx, err)
		cancel()
		return nil, err
	}
	states := make(chan *providers.CheckIn)
	go func() {
		defer close(states)
		defer cancel()
		for e := range entries {
			c := e.CheckIn()
			select {
			case states <- c:
			case <-ctx.Done():
				return
			}
			if isFinal(c) {
				return
			}
		}
	}()
	return states, nil
}

// isFinal reports whether nothing more happens to c by itself.
func isFinal(c *providers.CheckIn) bool {
	for _, delivery := range c.Deliveries {
		if !delivery.NextAttemptAt.IsZero() {
			return false
		}
	}
	return c.State != providers.CheckInAccepted
}

// Added implements resolvers.CheckIns.
func (d *desk) Added(ctx context.Context) <-chan *providers.CheckIn {
	changes := d.service.Changes(ctx)
	added := make(chan *providers.CheckIn)
	go func() {
		defer close(added)
		for c := range changes {
			if !c.New {
				continue
			}
			select {
			case added <- c.Entry.CheckIn():
			case <-ctx.Done():
				return
			}
		}
	}()
	return added
}

// checkInOf returns what turns an entry, or an error, into what the resolvers take.
func (d *desk) checkInOf(ctx context.Context) func(*checkins.Entry, error) (*providers.CheckIn, error) {
	return func(e *checkins.Entry, err error) (*providers.CheckIn, error) {
		if err != nil {
			return nil, d.mistakes(ctx, err)
		}
		return e.CheckIn(), nil
	}
}

// mistakes turns errors that a caller can do something about, and those of the
// store, into what the resolvers take for such.
func (d *desk) mistakes(ctx context.Context, err error) error {
	if several, ok := errors.AsType[checkins.Errors](err); ok {
		list := make([]error, len(several))
		for i, one := range several {
			list[i] = one
		}
		return errors.Join(list...)
	}
	if errors.Is(err, checkins.ErrNotFound) {
		return &providers.UserError{Code: providers.UserErrorNotFound, Message: "there is no such check-in of this caller's"}
	}
	if errors.Is(err, checkins.ErrStore) && ctx.Err() == nil {
		d.logger.LogAttrs(ctx, slog.LevelError, "check-ins can be neither kept nor read", slog.Any("error", err))
		return fmt.Errorf("%w: %w", resolvers.ErrUnavailable, err)
	}
	return err
}

// aliases is the table of merged ids that the store of check-ins keeps.
type aliases struct{ store checkins.Store }

// Remember implements loaders.Aliases.
func (a aliases) Remember(ctx context.Context, companions map[providers.Key][]providers.Key) error {
	list := make([]checkins.Alias, 0, len(companions))
	for k, others := range companions {
		list = append(list, checkins.Alias{Key: k, Companions: others})
	}
	return a.store.RememberAliases(ctx, list...)
}

// Living implements loaders.Aliases.
func (a aliases) Living(ctx context.Context, k providers.Key, alive func(context.Context, providers.Key) (bool, error)) (providers.Key, bool, error) {
	return checkins.Living(ctx, a.store, k, alive)
}
