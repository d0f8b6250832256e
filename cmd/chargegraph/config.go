package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/ocm"
)

// config is what chargegraph serves, and where.
type config struct {
	Addr       string           `yaml:"addr"`
	Sources    []sourceConfig   `yaml:"sources"`
	Conflation conflationConfig `yaml:"conflation"`
	Redis      secret           `yaml:"redis"` // a URL, which may hold a password
	Cache      cacheConfig      `yaml:"cache"`
	CheckIns   checkInConfig    `yaml:"checkins"`
	Auth       authConfig       `yaml:"auth"`
	Server     serverConfig     `yaml:"server"`
	Metrics    metricsConfig    `yaml:"metrics"`
}

// serverConfig is what the service shows of itself to the world.
type serverConfig struct {
	TLS struct {
		Cert string `yaml:"cert"`
		Key  string `yaml:"key"`
	} `yaml:"tls"`
	TrustedProxies []string `yaml:"trustedProxies"` // addresses or networks
	CORS           struct {
		Origins     []string `yaml:"origins"`
		Credentials bool     `yaml:"credentials"`
	} `yaml:"cors"`
	Documents struct {
		Trusted string `yaml:"trusted"` // a manifest
		Only    bool   `yaml:"only"`
	} `yaml:"documents"`
	NoIntrospection bool `yaml:"noIntrospection"`
	Batch           int  `yaml:"batch"` // operations in one request; 0: one
	Limits          struct {
		Depth      int `yaml:"depth"`
		Aliases    int `yaml:"aliases"`
		RootFields int `yaml:"rootFields"`
		Directives int `yaml:"directives"`
		Cost       int `yaml:"cost"`
	} `yaml:"limits"`
	Timeout interval `yaml:"timeout"` // of one operation
}

// check finds contradictions that need no look at the world.
func (c *serverConfig) check() error {
	switch {
	case (c.TLS.Cert == "") != (c.TLS.Key == ""):
		return errors.New("server.tls: cert and key belong together, and one of them is not set")
	case c.CORS.Credentials && len(c.CORS.Origins) == 0:
		return errors.New("server.cors: credentials is set but origins is not: name the origins that may send them")
	case c.Documents.Only && c.Documents.Trusted == "":
		return errors.New("server.documents: only is set but trusted is not, so that nothing could be asked: name the manifest of documents")
	case c.Batch < 0:
		return fmt.Errorf("server.batch: %d operations in one request: write a number above 0, or leave it out", c.Batch)
	}
	for name, n := range map[string]int{
		"depth": c.Limits.Depth, "aliases": c.Limits.Aliases, "rootFields": c.Limits.RootFields, "directives": c.Limits.Directives, "cost": c.Limits.Cost,
	} {
		if n < 0 {
			return fmt.Errorf("server.limits.%s: %d: write a number above 0, or leave it out", name, n)
		}
	}
	for _, origin := range c.CORS.Origins {
		if origin != "*" && !strings.Contains(origin, "://") {
			return fmt.Errorf("server.cors: origin %q: write scheme and host, such as https://app.example", origin)
		}
	}
	return nil
}

// cacheConfig says how much is kept in this process's memory.
type cacheConfig struct {
	MaxBytes byteSize `yaml:"maxBytes"` // 0: the cache's default
}

// checkInConfig says where check-ins are kept and how they are found again.
type checkInConfig struct {
	// Store is "sqlite:FILE", "redis" for the one that all is shared in, the URL of a
	// Redis of their own, which may hold a password, or "off". "": redis where there
	// is one and a secret is, else off.
	Store     secret `yaml:"store"`
	Secret    secret `yaml:"secret"`    // seals callers' tokens and makes markers
	MarkerURL string `yaml:"markerURL"` // what markers begin with
	Volatile  bool   `yaml:"volatile"`  // take a Redis that forgets

	// How they are delivered; what is left out has the default of checkins.Rules
	// and checkins.DelivererConfig.
	SendTimeout interval `yaml:"sendTimeout"` // for one send, or one look at the comments
	Lease       interval `yaml:"lease"`       // how long a worker that died keeps a check-in from the others
	Lag         interval `yaml:"lag"`         // how long a comment may take to be seen at the provider
	FirstRetry  interval `yaml:"firstRetry"`  // the wait after the first failure
	MaxRetry    interval `yaml:"maxRetry"`    // the longest wait
	MaxAttempts int      `yaml:"maxAttempts"` // sends before it is given up
	MaxAge      interval `yaml:"maxAge"`      // since the submission before it is given up
	Workers     int      `yaml:"workers"`     // deliveries at once
	Keep        interval `yaml:"keep"`        // how long finished ones, and their keys, are kept
	ShowFor     interval `yaml:"showFor"`     // how long one is shown beside the provider's comments

	// What one caller may submit.
	PerHour int `yaml:"perHour"` // over time; default submissionsPerHour
	AtOnce  int `yaml:"atOnce"`  // in a burst; default submissionsAtOnce
}

// kind returns what the store is, and where: "sqlite" and the file, "redis" and the
// URL of one of their own, or nothing for the one that is shared; "off"; "" where
// nothing is said.
func (c *checkInConfig) kind() (kind, where string, err error) {
	kind, where, _ = strings.Cut(string(c.Store), ":")
	switch {
	case kind == "sqlite" && where != "", (kind == "redis" || kind == "off" || kind == "") && string(c.Store) == kind:
		return kind, where, nil
	case kind == "redis", kind == "rediss", kind == "unix":
		return "redis", string(c.Store), nil
	}
	return "", "", errors.New("checkins: store: write sqlite:FILE, redis, redis://HOST:PORT for one of their own, or off")
}

// check finds contradictions that need no look at the world.
func (c *checkInConfig) check() error {
	kind, _, err := c.kind()
	switch {
	case err != nil:
		return err
	case c.Volatile && kind == "sqlite":
		return errors.New("checkins: volatile is about a Redis that forgets, and the store is a file: leave it out")
	case c.PerHour < 0, c.AtOnce < 0:
		return errors.New("checkins: perHour and atOnce: write numbers above 0, or leave them out")
	}
	return nil
}

// tuned reports whether the configuration says more of check-ins than where they
// are kept and by what secret: somebody wants them then.
func (c checkInConfig) tuned() bool {
	c.Store, c.Secret = "", ""
	return c != checkInConfig{}
}

// authConfig says who callers are.
type authConfig struct {
	APIKeys []struct {
		ID       string       `yaml:"id"`
		Hash     string       `yaml:"hash"`
		ReadOnly bool         `yaml:"readOnly"`
		Limits   limitsConfig `yaml:"limits"`
	} `yaml:"apiKeys"`
	JWT *struct {
		Issuer   string `yaml:"issuer"`
		Audience string `yaml:"audience"`
		JWKS     string `yaml:"jwks"`
	} `yaml:"jwt"`
	Required bool         `yaml:"required"` // reads need a caller too
	Limits   limitsConfig `yaml:"limits"`   // of callers without their own
	Public   limitsConfig `yaml:"public"`   // of each address without credentials
}

// limitsConfig is what one caller may use; 0 stands for the default.
type limitsConfig struct {
	CostPerSecond float64 `yaml:"costPerSecond"`
	Burst         float64 `yaml:"burst"`
	Concurrent    int     `yaml:"concurrent"`
	MaxCost       int     `yaml:"maxCost"`
}

// budgetConfig is how many calls a source may be sent.
type budgetConfig struct {
	Calls int      `yaml:"calls"`
	Per   interval `yaml:"per"` // default a minute
}

// conflationConfig is what people decide about matching.
type conflationConfig struct {
	Overrides string `yaml:"overrides"` // a file of pairs, see conflate.ReadOverrides
}

// sourceConfig is one access to a provider. Which keys belong to which provider
// is in sourceKinds.
type sourceConfig struct {
	Provider      string   `yaml:"provider"`
	Name          string   `yaml:"name"`
	URL           string   `yaml:"url"`
	Key           secret   `yaml:"key"`
	Secret        secret   `yaml:"secret"`
	Mirror        string   `yaml:"mirror"`
	Reference     string   `yaml:"reference"`
	Token         secret   `yaml:"token"`
	TokenEncoding string   `yaml:"tokenEncoding"`
	Interval      interval `yaml:"interval"`
	AllowHosts    []string `yaml:"allowHosts"`
	File          string   `yaml:"file"`
	CPOs          []string `yaml:"cpos"`
	Path          string   `yaml:"path"`
	Attribution   string   `yaml:"attribution"`
	License       string   `yaml:"license"`
	UserAgent     string   `yaml:"userAgent"`
	Client        string   `yaml:"client"`
	NoAvatars     bool     `yaml:"noAvatars"`
	Username      string   `yaml:"username"`
	Password      secret   `yaml:"password"`

	Budget budgetConfig `yaml:"budget"`
}

// sourceKind says which settings a provider's sources have.
type sourceKind struct {
	code     providers.ProviderCode
	settings []string   // besides provider, name and userAgent
	oneOf    []string   // exactly one of these says where the data is
	needs    [][]string // the first setting needs the others
}

//nolint:gochecknoglobals // a constant table
var sourceKinds = map[string]sourceKind{
	"ocm": {
		code:     providers.OCM,
		settings: []string{"url", "key", "mirror", "reference", "client", "noAvatars", "username", "password", "budget"},
		oneOf:    []string{"url", "mirror"},
		needs:    [][]string{{"url", "key"}, {"reference", "mirror"}, {"key", "url"}, {"username", "key", "password"}, {"password", "username"}, {"budget", "key"}},
	},
	"plugshare": {
		code:     providers.PlugShare,
		settings: []string{"url", "key", "secret", "budget"},
		oneOf:    []string{"key"},
		needs:    [][]string{{"key", "secret"}},
	},
	"ocpi": {
		code:     providers.OCPI,
		settings: []string{"url", "token", "tokenEncoding", "interval", "allowHosts", "file", "attribution", "license"},
		oneOf:    []string{"url", "file"},
		needs:    [][]string{{"token", "url"}, {"tokenEncoding", "token"}, {"url", "name"}, {"file", "name"}},
	},
	"ocpplab": {
		code:     providers.OCPPLAB,
		settings: []string{"url", "token", "cpos", "path", "interval"},
		oneOf:    []string{"url"},
		needs:    [][]string{{"url", "token"}, {"url", "cpos"}},
	},
}

// given names the settings that are not left out.
func (s *sourceConfig) given() []string {
	var names []string
	for _, setting := range []struct {
		name  string
		given bool
	}{
		{"name", s.Name != ""},
		{"url", s.URL != ""},
		{"key", s.Key != ""},
		{"secret", s.Secret != ""},
		{"mirror", s.Mirror != ""},
		{"reference", s.Reference != ""},
		{"token", s.Token != ""},
		{"tokenEncoding", s.TokenEncoding != ""},
		{"interval", s.Interval != 0},
		{"allowHosts", len(s.AllowHosts) > 0},
		{"file", s.File != ""},
		{"cpos", len(s.CPOs) > 0},
		{"path", s.Path != ""},
		{"attribution", s.Attribution != ""},
		{"license", s.License != ""},
		{"client", s.Client != ""},
		{"noAvatars", s.NoAvatars},
		{"username", s.Username != ""},
		{"password", s.Password != ""},
		{"budget", s.Budget != budgetConfig{}},
	} {
		if setting.given {
			names = append(names, setting.name)
		}
	}
	return names
}

// interval is how often something is done, written 5m or 30s.
type interval time.Duration

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (i *interval) UnmarshalYAML(text []byte) error {
	d, err := time.ParseDuration(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	if err != nil || d <= 0 {
		return fmt.Errorf("interval %s: write a time above 0 such as 30s or 5m", text)
	}
	*i = interval(d)
	return nil
}

// minCache is the smallest cache that works.
const minCache = 1 << 20

// byteSize is an amount of memory, written 256MB: kB, MB and GB are powers of 1,024.
type byteSize int64

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (b *byteSize) UnmarshalYAML(text []byte) error {
	word := strings.Trim(strings.TrimSpace(string(text)), `"'`)
	unit := int64(1)
	for suffix, n := range map[string]int64{"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if number, ok := strings.CutSuffix(word, suffix); ok {
			word, unit = strings.TrimSpace(number), n
			break
		}
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("size %s: write an amount of memory such as 256MB", text)
	}
	if n*unit < minCache {
		return fmt.Errorf("size %s: write 1MB at least: below that, a single tile would push out everything else", text)
	}
	*b = byteSize(n * unit)
	return nil
}

// secret is text that never prints.
type secret string

const redacted = "(secret)"

func (s secret) String() string   { return redacted }
func (s secret) GoString() string { return redacted }

const (
	defaultAddr = "127.0.0.1:8080"
)

// The variables of the common case: no file needed.
const (
	envAddr   = "CHARGEGRAPH_ADDR"
	envOCMKey = "OCM_API_KEY"
	envOCMURL = "OCM_URL"
	envMirror = "OCM_MIRROR"

	envPlugShareKey    = "PLUGSHARE_KEY"
	envPlugShareSecret = "PLUGSHARE_SECRET"
	envPlugShareURL    = "PLUGSHARE_URL"

	envRedis       = "REDIS_URL"
	envMetricsAddr = "CHARGEGRAPH_METRICS_ADDR"
	envSecret      = "CHARGEGRAPH_SECRET" //nolint:gosec // the name of a variable
	envOCMUser     = "OCM_USERNAME"
	envOCMPassword = "OCM_PASSWORD"
)

// readConfig reads the file where there is one, else the sources from the
// environment. The address comes from the flag, the environment, the file or the
// default, whichever is first.
func readConfig(path, addr string, getenv func(string) string) (config, error) {
	var cfg config
	var err error
	if path != "" {
		cfg, err = readFile(path, getenv)
	} else {
		cfg.Sources, err = sourcesFromEnv(getenv)
	}
	if err != nil {
		return config{}, err
	}
	if cfg.Redis == "" {
		cfg.Redis = secret(getenv(envRedis))
	}
	if cfg.CheckIns.Secret == "" {
		cfg.CheckIns.Secret = secret(getenv(envSecret))
	}
	for _, a := range []string{defaultAddr, cfg.Addr, getenv(envAddr), addr} {
		if a != "" {
			cfg.Addr = a
		}
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return config{}, fmt.Errorf("addr %q is not an address: write host:port, for example %s", cfg.Addr, defaultAddr)
	}
	if cfg.Metrics.Addr == "" {
		cfg.Metrics.Addr = getenv(envMetricsAddr)
	}
	if err := cfg.Metrics.check(); err != nil {
		return config{}, err
	}
	if err := cfg.Server.check(); err != nil {
		return config{}, err
	}
	if err := cfg.CheckIns.check(); err != nil {
		return config{}, err
	}
	for i := range cfg.Sources {
		if err := cfg.Sources[i].check(); err != nil {
			return config{}, fmt.Errorf("source %d: %w", i+1, err)
		}
	}
	return cfg, nil
}

func sourcesFromEnv(getenv func(string) string) ([]sourceConfig, error) {
	var sources []sourceConfig
	key, url, mirror := getenv(envOCMKey), getenv(envOCMURL), getenv(envMirror)
	switch {
	case mirror != "" && (key != "" || url != ""):
		return nil, fmt.Errorf("%s and %s or %s are set: one Open Charge Map is enough; use a file with named sources to serve both", envMirror, envOCMKey, envOCMURL)
	case mirror != "":
		sources = append(sources, sourceConfig{Provider: "ocm", Mirror: mirror})
	case key != "":
		sources = append(sources, sourceConfig{
			Provider: "ocm", URL: cmp.Or(url, ocm.DefaultURL), Key: secret(key),
			Username: getenv(envOCMUser), Password: secret(getenv(envOCMPassword)),
		})
	case url != "":
		return nil, fmt.Errorf("%s is set but %s is not: Open Charge Map answers nobody without a key", envOCMURL, envOCMKey)
	}
	if key == "" && (getenv(envOCMUser) != "" || getenv(envOCMPassword) != "") {
		return nil, fmt.Errorf("%s or %s is set but %s is not: check-ins go out through the API alone", envOCMUser, envOCMPassword, envOCMKey)
	}
	key, url = getenv(envPlugShareKey), getenv(envPlugShareURL)
	password := getenv(envPlugShareSecret)
	switch {
	case key != "" && password != "":
		sources = append(sources, sourceConfig{Provider: "plugshare", URL: url, Key: secret(key), Secret: secret(password)})
	case key != "" || password != "" || url != "":
		return nil, fmt.Errorf("PlugShare needs %s and %s: one of them is not set", envPlugShareKey, envPlugShareSecret)
	}
	return sources, nil
}

// check finds contradictions that need no look at the world.
func (s *sourceConfig) check() error {
	kind, ok := sourceKinds[s.Provider]
	if !ok {
		return fmt.Errorf("provider %q is not known: %s are", s.Provider, strings.Join(slices.Sorted(maps.Keys(sourceKinds)), ", "))
	}
	given := s.given()
	for _, name := range given {
		if name != "name" && !slices.Contains(kind.settings, name) {
			return fmt.Errorf("%s is no setting of %s: it has %s", name, s.Provider, strings.Join(kind.settings, ", "))
		}
	}
	switch b := s.Budget; {
	case b == budgetConfig{}:
	case b.Calls < 1 || b.Calls > cache.MaxBudget:
		return fmt.Errorf("budget {calls: %d}: write how many calls the source may be sent, 1 to %d, for example {calls: 90, per: 1m}", b.Calls, cache.MaxBudget)
	case b.Per != 0 && time.Duration(b.Per) < cache.MinBudgetWindow:
		return fmt.Errorf("budget {per: %v}: write at least %v", time.Duration(b.Per), cache.MinBudgetWindow)
	}
	if s.Name != "" && !providers.ValidSourceName(s.Name) {
		return fmt.Errorf("name %q: a name begins with a lower-case letter and has at most 32 lower-case letters, digits, - and _", s.Name)
	}
	where := 0
	for _, name := range kind.oneOf {
		if slices.Contains(given, name) {
			where++
		}
	}
	if where != 1 {
		return fmt.Errorf("%s needs exactly one of %s", s.Provider, strings.Join(kind.oneOf, " and "))
	}
	for _, need := range kind.needs {
		if slices.Contains(given, need[0]) {
			for _, name := range need[1:] {
				if !slices.Contains(given, name) {
					return fmt.Errorf("%s is set but %s is not", need[0], name)
				}
			}
		}
	}
	return nil
}

// readFile reads a configuration file strictly: what it does not know is an
// error with its line. The excerpt that the parser would print is left out,
// because it may hold a key.
func readFile(path string, getenv func(string) string) (config, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return config{}, fmt.Errorf("read configuration: %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return config{}, fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false))
	}
	var cfg config
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		e := expander{getenv: getenv}
		ast.Walk(&e, doc.Body)
		if e.err != nil {
			return config{}, fmt.Errorf("%s: %w", path, e.err)
		}
		if err := yaml.NodeToValue(doc.Body, &cfg, yaml.Strict()); err != nil {
			return config{}, fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false))
		}
	}
	return cfg, nil
}

// expander puts the environment into the scalars of a parsed file. What comes
// from a variable is never parsed, so no value can bring a key or a line of its own.
type expander struct {
	getenv func(string) string
	err    error
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Visit implements ast.Visitor.
func (e *expander) Visit(node ast.Node) ast.Visitor {
	if member, ok := node.(*ast.MappingValueNode); ok {
		ast.Walk(e, member.Value) // names are quoted in errors, and the variable may hold a key
		return nil
	}
	scalar, ok := node.(*ast.StringNode)
	if !ok {
		return e
	}
	scalar.Value = variable.ReplaceAllStringFunc(scalar.Value, func(match string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(match, "${"), "}")
		value := e.getenv(name)
		if value == "" && e.err == nil {
			e.err = fmt.Errorf("line %d: the variable %s is not set", scalar.GetToken().Position.Line, name)
		}
		return value
	})
	return e
}
