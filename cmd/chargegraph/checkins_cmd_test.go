package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders/cache/redistest"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
)

// onDuty runs a command of `chargegraph checkins` and returns what it wrote.
func onDuty(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	err = runCheckIns(t.Context(), args, func(string) string { return "" }, strings.NewReader(stdin), &out, &said)
	return out.String(), said.String(), err
}

// taker takes check-ins, as far as anybody can see who only keeps them.
type taker struct{}

func (taker) Send(context.Context, providers.Consignment) error { return errors.ErrUnsupported }
func (taker) Find(context.Context, providers.Consignment, []time.Time) (string, bool, error) {
	return "", false, errors.ErrUnsupported
}
func (taker) Lost(providers.Report) []string { return []string{"userName"} }

const sessionOfADriver = "the.session.of-a-driver"

// keep fills a store with one check-in per state: they are PENDING, DELIVERED,
// UNCONFIRMED, FAILED and, of another caller, REJECTED, a second apart.
func keep(t *testing.T, s checkins.Store) map[providers.DeliveryState]*checkins.Entry {
	t.Helper()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	secrets, failed := checkins.NewSecrets("a-secret-of-thirty-two-bytes-or-more", "https://go.example/ci")
	if failed != nil {
		t.Fatal(failed)
	}
	source := &providers.Source{ID: "ocm", Provider: providers.OCM}
	service, failed := checkins.NewService(s, checkins.Config{
		POI: func(context.Context, string) (*providers.POI, error) {
			return &providers.POI{Site: &providers.Site{}, Members: []*providers.Record{{Key: "ocm:7", Source: source}, {Key: "plugshare:9", Source: &providers.Source{ID: "plugshare", Provider: providers.PlugShare}}}}, nil
		},
		Taker:   func(id providers.SourceID) (providers.CheckInTaker, bool) { return taker{}, id == "ocm" },
		Secrets: secrets, Clock: func() time.Time { return at },
	})
	if failed != nil {
		t.Fatal(failed)
	}
	kept := make(map[providers.DeliveryState]*checkins.Entry)
	for _, state := range []providers.DeliveryState{providers.DeliveryPending, providers.DeliveryDelivered, providers.DeliveryUnconfirmed, providers.DeliveryFailed, providers.DeliveryRejected} {
		caller, token := "key:app", ""
		if state == providers.DeliveryRejected {
			caller = "key:other"
		}
		if state == providers.DeliveryPending {
			token = sessionOfADriver
		}
		e, _, err := service.Submit(t.Context(), caller, providers.Submission{
			IdempotencyKey: "key of " + string(state), POIID: "poi:ocm:7", Token: token,
			Report: providers.Report{Outcome: providers.CheckInCharged, Rating: new(4), Text: "läuft: " + string(state), UserName: "Ann"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if state != providers.DeliveryPending {
			changed := *e
			changed.Targets = slices.Clone(e.Targets)
			target := &changed.Targets[0]
			target.State, target.NextAt, target.Attempts, target.SentAt = state, time.Time{}, 2, []time.Time{at}
			if state == providers.DeliveryDelivered {
				target.ExternalID = "1000000001"
			} else {
				target.Error = &providers.SourceError{Code: providers.CodeTimeout, Message: "no answer"}
			}
			changed.Version++
			if err = s.Update(t.Context(), &changed, e.Version); err != nil {
				t.Fatal(err)
			}
			e = &changed
		}
		kept[state] = e
		at = at.Add(time.Second)
	}
	if err := s.RememberAliases(t.Context(), checkins.Alias{Key: "ocm:7", Companions: []providers.Key{"plugshare:9"}}, checkins.Alias{Key: "plugshare:9", Companions: []providers.Key{"ocm:7"}}); err != nil {
		t.Fatal(err)
	}
	return kept
}

// keptInFile is a file with what keep keeps.
func keptInFile(t *testing.T) (where string, kept map[providers.DeliveryState]*checkins.Entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check-ins.db")
	s, err := checkins.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	kept = keep(t, s)
	if err = s.Close(); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path, kept
}

func TestCheckInsList_FindsByEveryFilter(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	all := []providers.DeliveryState{providers.DeliveryPending, providers.DeliveryDelivered, providers.DeliveryUnconfirmed, providers.DeliveryFailed, providers.DeliveryRejected}
	for args, want := range map[string][]providers.DeliveryState{
		"":                               all,
		"-delivery UNCONFIRMED,failed":   {providers.DeliveryUnconfirmed, providers.DeliveryFailed},
		"-state DELIVERED":               {providers.DeliveryDelivered},
		"-state REJECTED":                {providers.DeliveryFailed, providers.DeliveryRejected},
		"-caller key:other":              {providers.DeliveryRejected},
		"-site poi:ocm:7":                all,
		"-site poi:plugshare:9":          all,
		"-site poi:ocm:8":                nil,
		"-since 2026-11-20T12:00:03Z":    all[3:],
		"-before 2026-11-20T12:00:01Z":   all[:1],
		"-before 2026-11-20":             nil,
		"-limit 2":                       all[:2],
		"-limit 1 -since 2026-11-19":     all[:1],
		"-delivery PENDING -caller nope": nil,
	} {
		t.Run("list "+args, func(t *testing.T) {
			t.Parallel()
			var got, names []string
			stdout, stderr, err := onDuty(t, "", append([]string{"list", "-store", where, "-format", "json"}, strings.Fields(args)...)...)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(stdout) {
				var one told
				if err := json.Unmarshal([]byte(line), &one); err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				got = append(got, one.ID)
			}
			for _, state := range want {
				names = append(names, kept[state].ID)
			}
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("list %s mismatch (-want +got):\n%s", args, diff)
			}
			if !strings.Contains(stderr, counted(len(want))) {
				t.Errorf("it counts %q, want %d", stderr, len(want))
			}
		})
	}
}

func TestCheckInsList_IsATableForPeople(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	stdout, _, err := onDuty(t, "", "list", "-store", where)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"SUBMITTED", kept[providers.DeliveryDelivered].ID, "2026-11-20T12:00:00Z", "key:other", "poi:ocm:7", "CHARGED",
		"OCM DELIVERED sent 2× as 1000000001", "OCM UNCONFIRMED sent 2× (TIMEOUT)", "OCM PENDING",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table does not say %q:\n%s", want, stdout)
		}
	}
}

func TestCheckInsShow_TellsEverythingButSecrets(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	e := kept[providers.DeliveryPending]
	comment := e.Comment()
	for _, id := range []string{e.ID, strings.TrimPrefix(e.ID, "checkin:"), comment.ID()} {
		stdout, _, err := onDuty(t, "", "show", id, "-store", where) // flags may stand behind
		if err != nil {
			t.Fatalf("show %s: %v", id, err)
		}
		for _, want := range []string{
			e.ID, e.Marker, e.Hash, `"key of PENDING"`, "key:app", `"läuft: PENDING"`, `"Ann"`, "userName", "ocm:7 plugshare:9", "(secret)",
			"the submitter's own session", comment.ID(), "ACCEPTED", "2026-11-20T12:00:00.000Z",
		} {
			if !strings.Contains(stdout, want) {
				t.Errorf("show %s does not tell %q:\n%s", id, want, stdout)
			}
		}
		asJSON, _, err := onDuty(t, "", "show", "-format", "json", "-store", where, id)
		if err != nil || !strings.Contains(asJSON, `"hasSession":true`) {
			t.Errorf("show -format json = %s, %v", asJSON, err)
		}
		for _, secret := range []string{sessionOfADriver, string(e.Token), "token"} {
			if strings.Contains(stdout, secret) || strings.Contains(asJSON, secret) {
				t.Errorf("show tells %q", secret)
			}
		}
	}
}

func TestCheckInsRetry_ReopensWhatHasEnded(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	ids := []string{kept[providers.DeliveryUnconfirmed].ID, kept[providers.DeliveryFailed].ID, kept[providers.DeliveryRejected].ID}
	stdout, _, err := onDuty(t, "", append([]string{"retry", "-store", where}, ids...)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !strings.Contains(stdout, id) {
			t.Errorf("it does not tell of %s:\n%s", id, stdout)
		}
	}
	pending, _, err := onDuty(t, "", "list", "-store", where, "-delivery", "PENDING")
	if err != nil || strings.Count(pending, "\n") != 1+4 {
		t.Errorf("afterwards these wait (%v):\n%s", err, pending)
	}
	for id, says := range map[string]string{
		kept[providers.DeliveryDelivered].ID:                              "no delivery was refused or given up",
		"checkin:" + strings.Repeat("0", 26):                              "not found",
		strings.TrimPrefix(kept[providers.DeliveryFailed].ID, "checkin:"): "no delivery", // it is on its way by now
	} {
		if _, _, err := onDuty(t, "", "retry", "-store", where, id); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("retry %s = %v, want %q in it", id, err, says)
		}
	}
}

func TestMovingToRedisAndBackLosesNothing(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	_, server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	toRedis := server.URL()
	exported, said, err := onDuty(t, "", "export", "-store", where)
	if err != nil || !strings.Contains(said, "exported 5 check-ins and 2 aliases") {
		t.Fatalf("export: %q, %v", said, err)
	}
	if strings.Contains(exported, sessionOfADriver) {
		t.Error("the export tells a session")
	}
	for _, want := range []string{"5 new, 0 newer than here, 0 here already; 2 aliases", "0 new, 0 newer than here, 5 here already; 2 aliases"} {
		if _, said, err = onDuty(t, exported, "import", "-store", toRedis); err != nil || !strings.Contains(said, want) {
			t.Fatalf("import: %q, %v; want %q", said, err, want)
		}
	}
	// What happened in Redis meanwhile is newer when it comes back, and nothing else is.
	if _, _, err = onDuty(t, "", "retry", "-store", toRedis, kept[providers.DeliveryFailed].ID); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.jsonl")
	if _, said, err = onDuty(t, "", "export", "-store", toRedis, "-o", file); err != nil {
		t.Fatalf("export of Redis: %q, %v", said, err)
	}
	if info, missing := os.Stat(file); missing != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export is %v, %v; want one for its owner alone", info, missing)
	}
	if _, _, err = onDuty(t, "", "export", "-store", toRedis, "-o", file); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("an export over another one = %v", err)
	}
	if _, said, err = onDuty(t, "", "import", file, "-store", where); err != nil || !strings.Contains(said, "0 new, 1 newer than here, 4 here already") {
		t.Errorf("import into the first store: %q, %v", said, err)
	}
	empty := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
	if _, said, err = onDuty(t, "", "import", file, "-store", empty); err != nil || !strings.Contains(said, "5 new") {
		t.Errorf("import into a new file: %q, %v", said, err)
	}
	here, _, err := onDuty(t, "", "export", "-store", where)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{empty, toRedis} {
		there, _, failed := onDuty(t, "", "export", "-store", other)
		if failed != nil {
			t.Fatal(failed)
		}
		if diff := cmp.Diff(here, there); diff != "" {
			t.Errorf("%s holds something else (-first +it):\n%s", other, diff)
		}
	}
}

func TestCheckIns_SayWhatIsWrong(t *testing.T) {
	t.Parallel()
	where, _ := keptInFile(t)
	newer, _ := keptInFile(t)
	db, err := sql.Open("sqlite", strings.TrimPrefix(newer, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err = db.Close(); err != nil {
		t.Fatal(err)
	}
	off := filepath.Join(t.TempDir(), "off.yaml")
	write(t, off, "checkins: {store: off}\n")
	missing := filepath.Join(t.TempDir(), "missing.db")
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"no command", nil, "write list, show, retry, export or import"},
		{"another command", []string{"delete"}, `no command "delete"`},
		{"no store", []string{"list"}, "no store is configured"},
		{"a service without one", []string{"list", "-config", off}, "no store is configured"},
		{"a file that is not there", []string{"list", "-store", "sqlite:" + missing}, "there is no file"},
		{"a store that is none", []string{"list", "-store", "postgres://x"}, "checkins: store: write sqlite:FILE, redis"},
		{"redis without an address", []string{"list", "-store", "redis"}, "set REDIS_URL"},
		{"a Redis that is away", []string{"list", "-store", "redis://127.0.0.1:1"}, "connection refused"},
		{"a file of a newer version", []string{"list", "-store", newer}, "written by a newer chargegraph (schema 99"},
		{"a state that is none", []string{"list", "-store", where, "-state", "LOST"}, `"LOST" is none of ACCEPTED`},
		{"a time that is none", []string{"list", "-store", where, "-since", "yesterday"}, "write 2026-11-20"},
		{"a site that is none", []string{"list", "-store", where, "-site", "7"}, "write the id of a site"},
		{"a format that is none", []string{"list", "-store", where, "-format", "xml"}, "write text or json"},
		{"a limit below zero", []string{"list", "-store", where, "-limit", "-1"}, "write 0 or more"},
		{"show of nothing", []string{"show", "-store", where}, "name at least one"},
		{"show of what is not there", []string{"show", "-store", where, "checkin:x"}, "checkin:x: checkins: not found"},
		{"import of two files", []string{"import", "-store", where, "a", "b"}, "reads one file"},
		{"import of a file that is not there", []string{"import", "-store", where, missing}, "no such file"},
		{"import of something else", []string{"import", "-store", where}, "line 1: this is no export of check-ins"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, said, err := onDuty(t, "{}\n", test.args...)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v (%s), want %q in it", err, said, test.says)
			}
		})
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made a file: %v", err)
	}
}

func TestCheckIns_SayThatAnotherProgramHoldsTheFile(t *testing.T) {
	t.Parallel()
	where, kept := keptInFile(t)
	lockFile(t, strings.TrimPrefix(where, "sqlite:"))
	if _, _, err := onDuty(t, "", "retry", "-store", where, kept[providers.DeliveryFailed].ID); err == nil || !strings.Contains(err.Error(), "another program has held the file for 5s") {
		t.Errorf("retry = %v", err)
	}
}

func TestCheckIns_HelpTellsEverything(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-h"}, {"help"}} {
		_, said, err := onDuty(t, "", args...)
		if !errors.Is(err, flag.ErrHelp) {
			t.Errorf("checkins %v = %v, want flag.ErrHelp", args, err)
		}
		for _, want := range []string{"list", "show ID", "retry ID", "export", "import", "-store", "-config", "UNCONFIRMED", "SQLite to Redis"} {
			if !strings.Contains(said, want) {
				t.Errorf("help does not say %q:\n%s", want, said)
			}
		}
	}
	for _, command := range []string{"list", "show", "retry", "export", "import"} {
		_, said, err := onDuty(t, "", command, "-h")
		if !errors.Is(err, flag.ErrHelp) || !strings.Contains(said, "-store") || !strings.Contains(said, "-config") {
			t.Errorf("checkins %s -h = %v:\n%s", command, err, said)
		}
	}
}

func TestCheckIns_LongWorkSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		d := &duty{err: &said}
		c := &counter{w: io.Discard}
		err := d.telling(t.Context(), "exported", c, func() error {
			for range 3 {
				<-time.After(2*time.Second - time.Millisecond)
				for _, piece := range []string{"{\"format\":1}\n{", "\"checkIn\":{}}\n{\"al", "ias\":{}}\n"} { // cut anywhere
					if _, err := io.WriteString(c, piece); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if want := "exported 1 check-in so far\nexported 2 check-ins so far\n"; err != nil || said.String() != want {
			t.Errorf("it said %q, %v; want %q", &said, err, want)
		}
		if c.aliases.Load() != 3 {
			t.Errorf("%d aliases counted, want 3", c.aliases.Load())
		}
	})
}
