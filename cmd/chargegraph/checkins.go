package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/resolvers"
)

// desk takes check-ins for the graph: it keeps and delivers them while run runs.
type desk struct {
	store     checkins.Store
	secrets   *checkins.Secrets
	logger    *slog.Logger
	service   *checkins.Service
	deliverer *checkins.Deliverer
}

var _ resolvers.CheckIns = (*desk)(nil)

// takersOf returns the sources that take check-ins, by id.
func takersOf(sources []providers.Provider) func(providers.SourceID) (providers.CheckInTaker, bool) {
	takers := make(map[providers.SourceID]providers.CheckInTaker)
	for _, p := range sources {
		if taker, ok := p.(providers.CheckInTaker); ok && p.Source().Capabilities.CheckIns {
			takers[p.Source().ID] = taker
		}
	}
	return func(id providers.SourceID) (providers.CheckInTaker, bool) {
		taker, ok := takers[id]
		return taker, ok
	}
}

// openStore opens where check-ins are kept, nil for nowhere. where is "sqlite:FILE",
// "redis", "off", or "" for Redis where there is one.
func openStore(ctx context.Context, cfg checkInConfig, client redis.UniversalClient, logger *slog.Logger) (checkins.Store, error) {
	where := cfg.Store
	if where == "" {
		where = "off"
		if client != nil && cfg.Secret != "" {
			where = "redis"
		}
	}
	kind, path, _ := strings.Cut(where, ":")
	switch {
	case where == "off":
		return nil, nil //nolint:nilnil // off is no store, and no error
	case where == "redis" && client == nil:
		return nil, fmt.Errorf("checkins: store is redis, but no Redis is configured: set redis or %s", envRedis)
	case where == "redis":
		return opened(checkins.OpenRedis(ctx, client, checkins.RedisConfig{AllowVolatile: cfg.Volatile, Logger: logger}))
	case kind == "sqlite" && path != "":
		return opened(checkins.OpenSQLite(ctx, path))
	}
	return nil, fmt.Errorf("checkins: store %q: write sqlite:FILE, redis or off", where)
}

// opened returns a store, and nothing where there is an error: a nil *SQLite would
// not be a nil Store.
func opened[S checkins.Store](s S, err error) (checkins.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newDesk returns a desk over an open store, whose check-ins are delivered to
// sources. catalog finds sites; it is asked for only once everything runs.
func newDesk(store checkins.Store, cfg checkInConfig, sources []providers.Provider, catalog func() *loaders.Catalog, logger *slog.Logger) (*desk, error) {
	secrets, err := checkins.NewSecrets(string(cfg.Secret), cfg.MarkerURL)
	if err != nil {
		return nil, err
	}
	taker := takersOf(sources)
	d := &desk{store: store, secrets: secrets, logger: logger}
	if d.deliverer, err = checkins.NewDeliverer(store, taker, cfg.deliverer(secrets, logger)); err != nil {
		return nil, err
	}
	limiter, err := checkins.NewBuckets(cmp.Or(cfg.PerHour, submissionsPerHour), cmp.Or(cfg.AtOnce, submissionsAtOnce), nil)
	if err != nil {
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
		Taker: taker, Secrets: secrets, Limiter: limiter, Wake: d.deliverer.Wake, Logger: logger,
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
