package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/checkins"
)

const checkInsAbout = `chargegraph checkins COMMAND is for the person on duty: it looks at what is kept of
check-ins, in either store, beside the running service or without it.

  list                what there is, oldest first
  show ID…            all that is kept of some, but for sessions, which are secret
  retry ID…           let them be delivered again: those that were refused, given up,
                      or wait for a person because nobody knows whether the provider
                      has them (UNCONFIRMED). What may be there already is looked for
                      before anything is sent. The running service delivers them.
  export              all of it, as lines of JSON
  import [FILE]       what export wrote; from standard input without FILE or with -

Which store: -config FILE, the file that the service is started with; or -store
sqlite:FILE, -store redis (at REDIS_URL) or -store redis://HOST:PORT; or neither,
with REDIS_URL set.

What a person has to look at:
  chargegraph checkins list -config FILE -delivery UNCONFIRMED,FAILED

To move from SQLite to Redis: stop the service, then
  chargegraph checkins export -store sqlite:chargegraph.db |
    chargegraph checkins import -store redis://HOST:PORT
and start it with store: redis and the same secret: sessions of callers are sealed
with it, and comments at providers are found by it. An import may be repeated: what
is there in a newer version stays as it is.

An export holds what drivers wrote and who submitted it. Its file is for its owner
alone.
`

// runCheckIns looks at what is kept of check-ins.
func runCheckIns(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	commands := map[string]func(*duty, context.Context, []string) error{
		"list": (*duty).list, "show": (*duty).show, "retry": (*duty).retry, "export": (*duty).export, "import": (*duty).imports,
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	command, ok := commands[name]
	switch {
	case ok:
	case name == "" || strings.HasPrefix(name, "-") || name == "help":
		_, _ = io.WriteString(stderr, checkInsAbout+"\nEach of them tells its flags with -h.\n")
		if name == "" {
			return errors.New("checkins: write list, show, retry, export or import behind it")
		}
		return flag.ErrHelp
	default:
		return fmt.Errorf("checkins has no command %q: write list, show, retry, export or import", name)
	}
	d := &duty{getenv: getenv, in: stdin, out: stdout, err: stderr, now: time.Now}
	return command(d, ctx, args[1:])
}

// duty is what the commands of the person on duty share.
type duty struct {
	getenv   func(string) string
	in       io.Reader
	out, err io.Writer
	now      func() time.Time

	config, where string // flags
}

// flags returns the flags of a command, those that say which store among them.
func (d *duty) flags(name, about string) *flag.FlagSet {
	flags := newFlags("chargegraph checkins "+name, about, d.err)
	flags.StringVar(&d.config, "config", "", "the configuration `file` of the service")
	flags.StringVar(&d.where, "store", "", "where they are kept: sqlite:FILE, redis, or redis://HOST:PORT; overrides the file")
	return flags
}

// parseMixed reads flags before and behind what is no flag, and returns that.
func parseMixed(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err = flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

// open opens the store. Only a command that writes may make one that is not there,
// or needs it to keep what it is told.
func (d *duty) open(ctx context.Context, writes bool) (checkins.Store, error) {
	cfg, err := readConfig(d.config, "", d.getenv)
	if err != nil {
		return nil, err
	}
	if d.where != "" {
		cfg.CheckIns.Store = secret(d.where)
	}
	if cfg.CheckIns.Store == "" && cfg.Redis != "" {
		cfg.CheckIns.Store = "redis"
	}
	kind, where, err := cfg.CheckIns.kind()
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	switch kind {
	case "", "off":
		return nil, errors.New("checkins: no store is configured: name the service's file with -config, or the store with -store sqlite:FILE or -store redis://HOST:PORT")
	case "sqlite":
		if _, missing := os.Stat(where); !writes && errors.Is(missing, fs.ErrNotExist) {
			return nil, fmt.Errorf("checkins: there is no file %s", where)
		}
	case "redis":
		if where == "" && cfg.Redis == "" {
			return nil, fmt.Errorf("checkins: store is redis: set %s, or write -store redis://HOST:PORT", envRedis)
		}
		if where == "" {
			cfg.CheckIns.Store = cfg.Redis // nothing else is shared here
		}
		cfg.CheckIns.Volatile = cfg.CheckIns.Volatile || !writes
		logger = newLogger(d.err, slog.LevelWarn)
	}
	return openStore(ctx, cfg.CheckIns, nil, false, logger)
}

// with runs do over the open store.
func (d *duty) with(ctx context.Context, writes bool, do func(checkins.Store) error) (err error) {
	s, err := d.open(ctx, writes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// listOf is a flag of values separated by commas, each of them one of known.
func listOf[T ~string](flags *flag.FlagSet, into *[]T, name, about string, known ...T) {
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	flags.Func(name, about+", separated by commas: "+strings.Join(words, ", "), func(text string) error {
		for word := range strings.SplitSeq(text, ",") {
			value := T(strings.ToUpper(strings.TrimSpace(word)))
			if !slices.Contains(known, value) {
				return fmt.Errorf("%q is none of %s", word, strings.Join(words, ", "))
			}
			*into = append(*into, value)
		}
		return nil
	})
}

// timeFlag is a flag of a time, or of how long ago one is.
func (d *duty) timeFlag(flags *flag.FlagSet, into *time.Time, name, about string) {
	flags.Func(name, about+": a `time` such as 2026-11-20 or 2026-11-20T12:00:00Z, or how long ago, such as 36h", func(text string) error {
		if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
			*into = d.now().Add(-ago)
			return nil
		}
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				*into = at
				return nil
			}
		}
		return errors.New("write 2026-11-20, 2026-11-20T12:00:00Z or 36h")
	})
}

// formatFlag is the flag that chooses between text for people and JSON.
func formatFlag(flags *flag.FlagSet) *bool {
	asJSON := new(bool)
	flags.Func("format", "text or json (default text)", func(text string) error {
		switch text {
		case "text", "json":
			*asJSON = text == "json"
			return nil
		}
		return errors.New("write text or json")
	})
	return asJSON
}

func (d *duty) list(ctx context.Context, args []string) error {
	flags := d.flags("list", `Lists check-ins, oldest first, as a table or, with -format json, a line of JSON each.`)
	var f checkins.Filter
	listOf(flags, &f.States, "state", "only check-ins in one of these `states`", providers.CheckInAccepted, providers.CheckInDelivering,
		providers.CheckInDelivered, providers.CheckInPartlyDelivered, providers.CheckInRejected)
	listOf(flags, &f.Targets, "delivery", "only check-ins with a delivery in one of these `states`", providers.DeliveryPending, providers.DeliveryRetrying,
		providers.DeliveryUnconfirmed, providers.DeliveryDelivered, providers.DeliveryRejected, providers.DeliveryUnsupported, providers.DeliveryFailed)
	flags.StringVar(&f.Caller, "caller", "", "only those of this `caller`, such as key:app")
	flags.Func("site", "only those about the site with this `id`, such as poi:ocm:1234", func(text string) error {
		id, err := providers.ParseID(text)
		if err != nil || id.Kind != providers.KindPOI {
			return errors.New("write the id of a site, such as poi:ocm:1234")
		}
		f.Site = id.Key
		return nil
	})
	d.timeFlag(flags, &f.Since, "since", "only those submitted then or later")
	d.timeFlag(flags, &f.Before, "before", "only those submitted before")
	flags.IntVar(&f.Limit, "limit", 0, "at most so many; 0 is all")
	asJSON := formatFlag(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if f.Limit < 0 {
		return fmt.Errorf("-limit %d: write 0 or more", f.Limit)
	}
	return d.with(ctx, false, func(s checkins.Store) error {
		if !*asJSON {
			if err := writeRow(d.out, "ID", "SUBMITTED", "STATE", "OUTCOME", "SITE", "CALLER", "DELIVERIES"); err != nil {
				return err
			}
		}
		n := 0
		for e, err := range checkins.All(ctx, s, f) {
			if err != nil {
				return err
			}
			n++
			if *asJSON {
				err = writeLine(d.out, tell(e))
			} else {
				err = writeRow(d.out, e.ID, stamp(e.CreatedAt), string(e.State()), string(e.Report.Outcome), e.POIID, e.Caller, summary(e))
			}
			if err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(d.err, "%s\n", counted(n))
		return nil
	})
}

// entryIDs reads the ids of check-ins as people have them: whole, without what
// they begin with, or that of the comment.
func entryIDs(flags *flag.FlagSet, args []string) ([]string, error) {
	args, err := parseMixed(flags, args)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return nil, errors.New("name at least one check-in by its id; `chargegraph checkins list` tells them")
	}
	ids := make([]string, len(args))
	for i, text := range args {
		ids[i] = text
		if id, err := providers.ParseID(text); err == nil {
			if entry, ok := checkins.EntryID(id); ok {
				ids[i] = entry
			}
		}
		if !strings.Contains(text, ":") {
			ids[i] = "checkin:" + text
		}
	}
	return ids, nil
}

func (d *duty) show(ctx context.Context, args []string) error {
	flags := d.flags("show ID…", `Shows all that is kept of check-ins, but for the sessions of their submitters.`)
	asJSON := formatFlag(flags)
	ids, err := entryIDs(flags, args)
	if err != nil {
		return err
	}
	return d.with(ctx, false, func(s checkins.Store) error {
		for i, id := range ids {
			e, err := s.Get(ctx, id)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if *asJSON {
				err = writeLine(d.out, tell(e))
			} else {
				if i > 0 {
					_, _ = io.WriteString(d.out, "\n")
				}
				err = writeEntry(d.out, e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *duty) retry(ctx context.Context, args []string) error {
	flags := d.flags("retry ID…", `Lets check-ins be delivered again that were refused, given up, or wait for a person.
What may be at the provider already is looked for before anything is sent. The
running service delivers them, within seconds.`)
	ids, err := entryIDs(flags, args)
	if err != nil {
		return err
	}
	return d.with(ctx, true, func(s checkins.Store) error {
		var errs []error
		for _, id := range ids {
			e, err := checkins.Reopen(ctx, s, id, d.now())
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", id, err))
				continue
			}
			if err = writeRow(d.out, e.ID, stamp(e.CreatedAt), string(e.State()), string(e.Report.Outcome), e.POIID, e.Caller, summary(e)); err != nil {
				return err
			}
		}
		return errors.Join(errs...)
	})
}

func (d *duty) export(ctx context.Context, args []string) error {
	flags := d.flags("export", `Writes all that is kept, as lines of JSON that import reads, to standard output or a
new file. The service may run meanwhile: what changes is written as it was or as it
became.`)
	path := flags.String("o", "", "a new `file` to write to; it is there when it is whole")
	if err := parse(flags, args); err != nil {
		return err
	}
	return d.with(ctx, false, func(s checkins.Store) error {
		c := &counter{w: d.out}
		write := func(w io.Writer) error {
			c.w = w
			return d.telling(ctx, "exported", c, func() error { return checkins.Export(ctx, s, c) })
		}
		var err error
		if *path == "" {
			err = write(d.out)
		} else {
			err = createWhole(*path, write)
		}
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(d.err, "exported %s and %s\n", counted(int(c.checkIns.Load())), plural(int(c.aliases.Load()), "alias", "aliases"))
		return nil
	})
}

// createWhole makes a file for its owner alone that is there when write is done
// and its content on the disk; before that, and after an error, it is not.
func createWhole(path string, write func(io.Writer) error) (err error) {
	if _, there := os.Lstat(path); there == nil {
		return fmt.Errorf("%s is there already; name a new file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // what is in it is not whole
		}
	}()
	if err = errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func (d *duty) imports(ctx context.Context, args []string) error {
	flags := d.flags("import [FILE]", `Reads what export wrote into a store, from a file or standard input. What is there in
a newer version stays as it is, so that an import may be repeated, and taken up again
where it broke off. On SQLite, do it before the service is started: it does not hear
of what another program writes.`)
	args, err := parseMixed(flags, args)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		return fmt.Errorf("import reads one file, but was given %q", args)
	}
	in := d.in
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0]) //nolint:gosec // the person at the keyboard names it
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // it was only read
		in = file
	}
	return d.with(ctx, true, func(s checkins.Store) error {
		c := &counter{r: in}
		var done checkins.Imported
		err := d.telling(ctx, "read", c, func() (err error) {
			done, err = checkins.Import(ctx, s, c)
			return err
		})
		_, _ = fmt.Fprintf(d.err, "imported %s: %d new, %d newer than here, %d here already; %s\n",
			counted(done.New+done.Newer+done.Same), done.New, done.Newer, done.Same, plural(done.Aliases, "alias", "aliases"))
		return err
	})
}

// tellEvery is how often long work says how far it is.
const tellEvery = 2 * time.Second

// telling does some work and says meanwhile how much of it went through c.
func (d *duty) telling(ctx context.Context, done string, c *counter, work func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- work() }()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			if ctx.Err() == nil {
				_, _ = fmt.Fprintf(d.err, "%s %s so far\n", done, counted(int(c.checkIns.Load())))
			}
		}
	}
}

// counter counts the lines of an export that go through it, by what they hold.
type counter struct {
	w io.Writer
	r io.Reader

	checkIns, aliases atomic.Int64
	column            int // in the line
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.count(b[:n])
	return n, err
}

// Read implements io.Reader.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.count(b[:n])
	return n, err
}

// count tells lines apart by the first letter of what they hold: {"checkIn":…} or
// {"alias":…}.
func (c *counter) count(b []byte) {
	for _, letter := range b {
		if letter == '\n' {
			c.column = 0
			continue
		}
		switch {
		case c.column != 2:
		case letter == 'c':
			c.checkIns.Add(1)
		case letter == 'a':
			c.aliases.Add(1)
		}
		c.column++
	}
}

func counted(n int) string { return plural(n, "check-in", "check-ins") }

func plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
