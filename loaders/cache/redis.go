package cache

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Connect returns a client for the Redis at rawURL, set up for a cache: a call
// ends with its context and is not repeated behind the caller's back. Nothing is
// connected yet; the caller closes the client.
//
//	redis://user:password@host:6379/0            one server; rediss:// with TLS, unix:///path for a socket
//	redis://host:26379/0?master_name=m&addr=h2:26379   found through Sentinels
//	redis://host:6379?cluster=true&addr=h2:6379   a cluster
//
// Other settings of go-redis' URLs (pool_size, dial_timeout, …) hold as well.
//
// go-redis writes failures to connect to standard error by itself, for all its
// clients: whoever runs the program turns that off (its logging.Disable). The
// cache logs each change once.
func Connect(rawURL string) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("cache: the address of Redis is no URL") // it may hold a password
	}
	q := u.Query()
	off := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // would cost each connection a round trip
	switch {
	case q.Get("master_name") != "":
		o, refused := redis.ParseFailoverURL(rawURL)
		if refused != nil {
			return nil, refusedURL(refused)
		}
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		settle(&o.MaxRetries, &o.DialerRetries, &o.Protocol, &o.ReadBufferSize, &o.DialTimeout)
		return redis.NewFailoverClient(o), nil
	case q.Get("cluster") == "true":
		q.Del("cluster")
		u.RawQuery = q.Encode()
		o, refused := redis.ParseClusterURL(u.String())
		if refused != nil {
			return nil, refusedURL(refused)
		}
		o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, off
		settle(&o.MaxRetries, &o.DialerRetries, &o.Protocol, &o.ReadBufferSize, &o.DialTimeout)
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, refusedURL(err)
	}
	o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, off
	settle(&o.MaxRetries, &o.DialerRetries, &o.Protocol, &o.ReadBufferSize, &o.DialTimeout)
	return redis.NewClient(o), nil
}

// readBuffer is what a connection reads small replies into. A value is longer and
// read into memory of its own: through the client's 32 kB it would be copied once more.
const readBuffer = 8 << 10

// settle sets what the URL did not: no repeating, a second for connecting, and
// RESP2, since with RESP3 each reply is searched for messages that nobody sends here.
func settle(retries, dials, protocol, buffer *int, dial *time.Duration) {
	if *protocol == 0 {
		*protocol = 2
	}
	if *buffer == 0 {
		*buffer = readBuffer
	}
	if *retries == 0 {
		*retries = -1
	}
	if *dials == 0 {
		*dials = 1
	}
	if *dial == 0 {
		*dial = time.Second
	}
}

// refusedURL keeps the URL, which may hold a password, out of the error.
func refusedURL(err error) error {
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err
	}
	return fmt.Errorf("cache: address of Redis: %w", err)
}

// endsWithContext reports whether the calls of client end with their context. It
// believes clients that it does not know.
func endsWithContext(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c.Options().ContextTimeoutEnabled
	}
	return true
}
