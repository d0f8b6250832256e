package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"chargegraph/providers"
)

// config is what chargegraph serves, and where.
type config struct {
	Addr    string         `yaml:"addr"`
	Sources []sourceConfig `yaml:"sources"`
}

// sourceConfig is one access to a provider: live by URL and Key, or an export
// by Mirror and Reference.
type sourceConfig struct {
	Provider  string `yaml:"provider"`
	Name      string `yaml:"name"`
	URL       string `yaml:"url"`
	Key       secret `yaml:"key"`
	Mirror    string `yaml:"mirror"`
	Reference string `yaml:"reference"`
	UserAgent string `yaml:"userAgent"`
	Client    string `yaml:"client"`
	NoAvatars bool   `yaml:"noAvatars"`
}

// secret is text that never prints.
type secret string

const redacted = "(secret)"

func (s secret) String() string   { return redacted }
func (s secret) GoString() string { return redacted }

const (
	defaultAddr   = "127.0.0.1:8080"
	defaultOCMURL = "https://api.openchargemap.io/v3"
)

// The variables of the common case: no file needed.
const (
	envAddr   = "CHARGEGRAPH_ADDR"
	envOCMKey = "OCM_API_KEY"
	envOCMURL = "OCM_URL"
	envMirror = "OCM_MIRROR"
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
	for _, a := range []string{defaultAddr, cfg.Addr, getenv(envAddr), addr} {
		if a != "" {
			cfg.Addr = a
		}
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return config{}, fmt.Errorf("addr %q is not an address: write host:port, for example %s", cfg.Addr, defaultAddr)
	}
	for i := range cfg.Sources {
		if err := cfg.Sources[i].check(); err != nil {
			return config{}, fmt.Errorf("source %d: %w", i+1, err)
		}
	}
	return cfg, nil
}

func sourcesFromEnv(getenv func(string) string) ([]sourceConfig, error) {
	key, url, mirror := getenv(envOCMKey), getenv(envOCMURL), getenv(envMirror)
	switch {
	case mirror != "" && (key != "" || url != ""):
		return nil, fmt.Errorf("%s and %s or %s are set: one Open Charge Map is enough; use a file with named sources to serve both", envMirror, envOCMKey, envOCMURL)
	case mirror != "":
		return []sourceConfig{{Provider: "ocm", Mirror: mirror}}, nil
	case key != "":
		if url == "" {
			url = defaultOCMURL
		}
		return []sourceConfig{{Provider: "ocm", URL: url, Key: secret(key)}}, nil
	case url != "":
		return nil, fmt.Errorf("%s is set but %s is not: Open Charge Map answers nobody without a key", envOCMURL, envOCMKey)
	}
	return nil, nil
}

// check finds contradictions that need no look at the world.
func (s *sourceConfig) check() error {
	if s.Provider != "ocm" {
		return fmt.Errorf("provider %q is not known: ocm is", s.Provider)
	}
	if s.Name != "" && !providers.ValidSourceName(s.Name) {
		return fmt.Errorf("name %q: a name begins with a lower-case letter and has at most 32 lower-case letters, digits, - and _", s.Name)
	}
	switch {
	case s.Mirror != "" && (s.URL != "" || s.Key != ""):
		return fmt.Errorf("mirror stands beside url or key: a source is either an export or live")
	case s.Mirror == "" && s.URL == "":
		return fmt.Errorf("neither url nor mirror is set")
	case s.Mirror == "" && s.Reference != "":
		return fmt.Errorf("reference belongs to a mirror: a live source asks for its reference data itself")
	case s.Mirror == "" && s.Key == "":
		return fmt.Errorf("key is not set: Open Charge Map answers nobody without one")
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
