package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/loaders/cache"
	"chargegraph/server/access"
)

// jwksTimeout bounds the fetching of an issuer's keys.
const jwksTimeout = 10 * time.Second

// identifies reports whether anybody can say who they are.
func (a *authConfig) identifies() bool { return len(a.APIKeys) > 0 || a.JWT != nil }

func (l limitsConfig) limits() access.Limits {
	return access.Limits{
		Limit:      access.Limit{PerSecond: l.CostPerSecond, Burst: l.Burst},
		Concurrent: l.Concurrent, MaxCost: l.MaxCost,
	}
}

// access returns who is let in. With tryOut, made-up data on a loopback address,
// anonymous callers may check in.
func (a *authConfig) access(tryOut bool, logger *slog.Logger) access.Config {
	c := access.Config{
		AnonymousReads:    !a.Required,
		AnonymousCheckIns: tryOut && !a.Required,
		Limits:            a.Limits.limits(),
		AnonymousLimits:   a.Public.limits(),
		HTTP:              &http.Client{Timeout: jwksTimeout},
		Logger:            logger,
	}
	for _, k := range a.APIKeys {
		c.APIKeys = append(c.APIKeys, access.APIKey{ID: k.ID, Hash: k.Hash, ReadOnly: k.ReadOnly, Limits: k.Limits.limits()})
	}
	if a.JWT != nil {
		c.JWT = &access.JWTConfig{Issuer: a.JWT.Issuer, Audience: a.JWT.Audience, JWKS: a.JWT.JWKS}
	}
	return c
}

// limitersOver returns what charges callers, by all replicas together where there
// is a Redis: costs for the many small charges of operations, of which replicas
// take some at once, and single for few that are exact.
func limitersOver(client redis.UniversalClient, logger *slog.Logger) (costs, single access.Limiter) {
	local := access.NewBuckets(nil)
	if client == nil {
		return local, local
	}
	single = access.NewFallback(sharedLimiter{cache.NewLimiter(client, "chargegraph")}, local, nil, logger)
	return access.NewLeases(single, nil), single
}

// runKeys makes API keys.
func runKeys(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("chargegraph keys new NAME", `Makes an API key and prints it once, with the line for the configuration file. Only
a hash of it goes into the file.`, stderr)
	isNew := len(args) > 0 && args[0] == "new"
	if isNew {
		args = args[1:] // flags stand behind it too
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !isNew || flags.NArg() != 1 {
		return errors.New("write: chargegraph keys new NAME")
	}
	id := flags.Arg(0)
	token, hash, err := access.NewKey(rand.Reader, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, `key, shown this once:
  %s

send it with each request:
  Authorization: Bearer %s

the line for the configuration file:
  auth: {apiKeys: [{id: %s, hash: "%s"}]}
`, token, token, id, hash)
	return err
}
