package checkins

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMarker_IsAFunctionOfCallerAndKeyThatNobodyElseCanCompute(t *testing.T) {
	s := testSecrets(t)
	other, err := NewSecrets(strings.Repeat("x", MinSecret), "https://go.example/ci")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{other.Marker("a", "bc"): "of another secret"}
	for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"a", "bd"}} {
		marker := s.Marker(c[0], c[1])
		if marker != testSecrets(t).Marker(c[0], c[1]) || !strings.HasPrefix(marker, "https://go.example/ci/") || len(marker) > MaxRelatedURL || !s.Marks(marker) {
			t.Errorf("Marker(%v) = %q", c, marker)
		}
		if was, twice := seen[marker]; twice {
			t.Errorf("Marker(%v) is that of %s", c, was)
		}
		seen[marker] = fmt.Sprint(c)
	}
	for _, url := range []string{"", "https://go.example/ci/", "https://go.example/ci/about", "https://example.org/"} {
		if s.Marks(url) {
			t.Errorf("Marks(%q)", url)
		}
	}
}

func TestNewSecrets_RefusesWhatProtectsNothing(t *testing.T) {
	for _, c := range []struct{ secret, url, want string }{
		{"", "https://go.example/", "without a secret"},
		{"short", "", "at least 32"},
		{testSecret, "http://go.example/", "markerURL"},
		{testSecret, "https://", "markerURL"},
		{testSecret, "https://go.example/?a=b", "markerURL"},
		{testSecret, "https://go.example/" + strings.Repeat("x", 400), "markerURL"},
	} {
		if _, err := NewSecrets(c.secret, c.url); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("NewSecrets(%q, %q) = %v, want %q", c.secret, c.url, err, c.want)
		}
	}
	none, err := NewSecrets("", "")
	if err != nil || none.CanSeal() || none.Marker("a", "b") != "" || none.Marks("") {
		t.Errorf("no secrets: %v, %v", none, err)
	}
	if _, err = none.sealToken("t", "id", "a"); err == nil {
		t.Error("sealed without a secret")
	}
	bare, err := NewSecrets(testSecret, "")
	if err != nil || !bare.CanSeal() || bare.Marker("a", "b") != "" {
		t.Errorf("no markers: %v, %v", bare, err)
	}
}

func TestSecrets_PrintAsNothing(t *testing.T) {
	s := testSecrets(t)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("secrets", s))
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), log.String()} {
		if !strings.Contains(text, "secrets") || strings.Contains(text, "go.example") || len(text) > 100 {
			t.Errorf("printed as %q", text)
		}
	}
}

func TestToken_OpensForItsOwnCheckInAndSecretAlone(t *testing.T) {
	s := testSecrets(t)
	other, err := NewSecrets(strings.Repeat("x", MinSecret), "")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		token := rapid.String().Draw(rt, "token")
		id, caller := newID(noon), rapid.StringMatching(`[a-z]{1,8}`).Draw(rt, "caller")
		sealed, err := s.sealToken(token, id, caller)
		if err != nil {
			rt.Fatal(err)
		}
		if len(token) > 8 && strings.Contains(string(sealed), token) {
			rt.Fatal("the token can be read")
		}
		if got, err := s.openToken(sealed, id, caller); got != token || err != nil {
			rt.Fatalf("openToken() = %q, %v; want %q", got, err, token)
		}
		if _, err := s.openToken(sealed, newID(noon), caller); err == nil {
			rt.Fatal("opened for another check-in")
		}
		if _, err := s.openToken(sealed, id, caller+"x"); err == nil {
			rt.Fatal("opened for another caller")
		}
		if _, err := other.openToken(sealed, id, caller); err == nil {
			rt.Fatal("opened under another secret")
		}
		broken := []byte(string(sealed))
		broken[rapid.IntRange(0, len(broken)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if _, err := s.openToken(broken, id, caller); err == nil {
			rt.Fatal("opened though it was changed")
		}
		if _, err := s.openToken(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(rt, "cut")], id, caller); err == nil {
			rt.Fatal("opened though it was cut")
		}
	})
}
