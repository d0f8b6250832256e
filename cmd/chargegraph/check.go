package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/store"
	"chargegraph/server/access"
)

// checkTimeout is how long each part has to answer by default.
const checkTimeout = 10 * time.Second

// checkArea is a box of some streets in Amsterdam, where every directory has a few
// sites: one call, and a small answer.
func checkArea() providers.Bounds {
	return providers.Bounds{South: 52.370, West: 4.890, North: 52.375, East: 4.897}
}

// runCheck does what serve does before it serves, asks every part of a
// configuration once, and prints what came of it.
func runCheck(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := newFlags("chargegraph check", `Reads a configuration as serve does, and sends each source one cheap question, Redis a
ping, and the store of check-ins something to write. It serves nothing, and ends with
status 1 when something is not as it should be.`, stderr)
	path := flags.String("config", "", "configuration `file`, YAML")
	timeout := flags.Duration("timeout", checkTimeout, "how long each part has to answer")
	level := slog.LevelError
	flags.TextVar(&level, "log", level, "log level: DEBUG, INFO, WARN or ERROR")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *timeout <= 0 {
		return fmt.Errorf("-timeout %v: write a time above 0 such as 10s", *timeout)
	}
	cfg, err := readConfig(*path, "", getenv)
	if err != nil {
		return err
	}
	c := &checker{cfg: cfg, timeout: *timeout, logger: newLogger(stderr, level)}
	if collector, wrong := collectorOf(getenv); collector != "" || wrong != nil {
		c.found("traces", "a collector is set", wrong)
	}
	c.run(ctx)
	return c.print(stdout)
}

// finding is what came of one check.
type finding struct {
	what string
	err  error  // nil: it is as it should be
	note string // what was seen
	took time.Duration
}

// checker checks one configuration.
type checker struct {
	cfg     config
	timeout time.Duration
	logger  *slog.Logger

	findings []*finding
	asking   sync.WaitGroup
}

// check begins a check and returns at once.
func (c *checker) check(ctx context.Context, what string, ask func(ctx context.Context) (note string, err error)) {
	f := &finding{what: what}
	c.findings = append(c.findings, f)
	c.asking.Go(func() {
		limited, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		began := time.Now()
		f.note, f.err = ask(limited)
		f.took = time.Since(began)
	})
}

func (c *checker) found(what, note string, err error) {
	c.findings = append(c.findings, &finding{what: what, note: note, err: err})
}

func (c *checker) run(ctx context.Context) {
	p := &process{logger: c.logger, loopback: isLoopbackText(c.cfg.Addr)}
	defer func() {
		if p.store != nil {
			_ = p.store.Close() // whatever was to be kept has been
		}
		if p.redis != nil {
			_ = p.redis.Close()
		}
	}()
	if c.cfg.Redis != "" {
		client, err := connect(c.cfg.Redis)
		if err != nil {
			c.found("redis", "", err)
		} else {
			p.redis = client
			c.check(ctx, "redis", func(ctx context.Context) (string, error) { return "it answers", client.Ping(ctx).Err() })
		}
	}
	read := c.openSources(ctx)
	c.openStore(ctx, p)
	if jwt := c.cfg.Auth.JWT; jwt != nil {
		c.check(ctx, "auth.jwt", func(ctx context.Context) (string, error) { return fetchKeys(ctx, jwt.JWKS) })
	}
	c.found("service", "limits, access, documents and overrides fit together", c.serviceFits(p, read)) //nolint:contextcheck // what it opens brings its own deadlines
	c.asking.Wait()
}

// openSources opens what is configured and asks each source one question.
func (c *checker) openSources(ctx context.Context) *sources {
	read := &sources{logger: c.logger}
	if len(c.cfg.Sources) == 0 {
		c.found("sources", "none is configured: made-up data would be served", nil)
	}
	for i, source := range c.cfg.Sources {
		pullers, known := len(read.pullers), len(read.providers)
		if err := read.open(ctx, source); err != nil {
			c.found(fmt.Sprintf("source %d, %s", i+1, source.Provider), "", err)
			continue
		}
		for _, p := range read.providers[known:] {
			what := "source " + string(p.Source().ID)
			if len(read.pullers) > pullers {
				puller := read.pullers[pullers] // now: the list grows while it is asked
				c.check(ctx, what, func(ctx context.Context) (string, error) { return firstPage(ctx, puller) })
				continue
			}
			c.check(ctx, what, func(ctx context.Context) (string, error) { return fewStreets(ctx, p) })
		}
	}
	return read
}

// errEnough ends a pull that has shown that it works.
var errEnough = errors.New("enough")

// firstPage pulls until something arrives.
func firstPage(ctx context.Context, p store.Puller) (string, error) {
	n := 0
	_, err := p.Pull(ctx, time.Time{}, func(put []*providers.Record, _ []providers.Key) error {
		n += len(put)
		if n == 0 {
			return nil
		}
		return errEnough
	})
	if err != nil && n == 0 { // with records the error is that it was told to end
		return "", err
	}
	return fmt.Sprintf("it answers; %d records to begin with", n), nil
}

// fewStreets asks for the sites of a few streets.
func fewStreets(ctx context.Context, p providers.Provider) (string, error) {
	if n := p.Source().RecordCount(); n != nil {
		return fmt.Sprintf("%d records are held", *n), nil
	}
	answer, err := p.Search(ctx, providers.Query{Area: checkArea()})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("it answers; %d records in a few streets of Amsterdam", len(answer.Records)), nil
}

func (c *checker) openStore(ctx context.Context, p *process) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	opened, err := openStore(limited, c.cfg.CheckIns, p.redis, false, c.logger)
	switch {
	case err != nil:
		c.found("checkins", "", err)
	case opened == nil:
		note := "off"
		if kind, lacks, _ := c.cfg.CheckIns.usualStore(p.redis != nil); kind == "off" && lacks != "" && c.cfg.CheckIns.Store == "" {
			note += ": " + lacks
		}
		c.found("checkins", note, nil)
	default:
		p.store = opened
		c.check(ctx, "checkins", func(ctx context.Context) (string, error) { return "they can be kept", writable(ctx, opened) })
	}
}

// maxKeySet bounds what is read of an issuer's keys, as package access does.
const maxKeySet = 512 << 10

// fetchKeys asks an issuer for its keys.
func fetchKeys(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", errors.New("jwks is no address") // the error would quote it
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return "", errors.New("the issuer's keys cannot be fetched: check jwks and the network")
	}
	defer res.Body.Close()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err = json.NewDecoder(io.LimitReader(res.Body, maxKeySet)).Decode(&set); err != nil || res.StatusCode != http.StatusOK || len(set.Keys) == 0 {
		return "", fmt.Errorf("the issuer answers with status %d and no keys", res.StatusCode)
	}
	return fmt.Sprintf("the issuer publishes %d keys", len(set.Keys)), nil
}

// serviceFits makes the service as serve would, and lets go of it.
func (c *checker) serviceFits(p *process, read *sources) error {
	if _, err := c.cfg.Server.pair(); err != nil {
		return err
	}
	gate, err := access.New(c.cfg.Auth.access(false, c.logger))
	if err != nil {
		return err
	}
	defer gate.Close()
	shown, err := c.cfg.Server.options()
	if err != nil {
		return err
	}
	if len(read.providers) == 0 {
		if len(c.cfg.Sources) == 0 && !p.loopback {
			return fmt.Errorf("made-up data is served on loopback addresses only, not on %s", c.cfg.Addr)
		}
		return nil
	}
	p.cached, err = cache.New(cache.Config{MaxBytes: int64(c.cfg.Cache.MaxBytes), Logger: c.logger})
	if err != nil {
		return err
	}
	defer p.cached.Close()
	catalog, err := p.openCatalog(c.cfg, read.providers)
	if err != nil {
		return err
	}
	defer catalog.Close()
	_, err = newHandler(catalog, false, c.logger, shown)
	return err
}

// print writes a table, and returns an error if something is wrong.
func (c *checker) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	failed := 0
	for _, f := range c.findings {
		result, note := "ok", f.note
		if f.err != nil {
			result, note = "FAILED", sentence(f.err)
			failed++
		}
		took := ""
		if f.took > 0 {
			took = max(f.took, time.Millisecond).Round(time.Millisecond).String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.what, result, took, note)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(c.findings))
	}
	return nil
}

// sentence says what is wrong, on one line.
func sentence(err error) string {
	if se, ok := errors.AsType[*providers.SourceError](err); ok {
		return string(se.Code) + ": " + se.Message
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	line := []rune(err.Error())
	if end := slices.IndexFunc(line, func(r rune) bool { return r == '\n' }); end >= 0 {
		line = line[:end]
	}
	return string(line)
}

// isLoopbackText reports whether nobody but this machine reaches an address.
func isLoopbackText(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
