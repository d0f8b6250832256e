package providers_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"chargegraph/providers"
)

func TestFold_BringsSpellingsTogether(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"":                              {"", " ", "\t\n\u00a0", "\u0301"},
		"cafe noir":                     {"Café Noir", "CAFÉ  NOIR", "cafe\u0301\u00a0noir", " Café\nNoir ", "CAFE NOIR"},
		"hauptstrasse":                  {"Hauptstraße", "HAUPTSTRASSE", "HauptstraẞE"},
		"aero osteras":                  {"Ærø Østerås"},
		"ijsselstein":                   {"IJsselstein", "Ĳsselstein", "ĳsselstein"},
		"lodz":                          {"Łódź", "łódź"},
		"da nang":                       {"Đà Nẵng", "Da Nang"},
		"iasi":                          {"Iaşi", "Iași"},
		"istanbul":                      {"İstanbul", "istanbul", "ISTANBUL"},
		"diyarbakir":                    {"Diyarbakır"},
		"kautokeino guovdageaidnu dann": {"Kautokeino Guovdageaidnu Daŋŋ"},
		"thingvellir":                   {"Þingvellir"},
		"oeuvre":                        {"Œuvre"},
		"mosstrasse":                    {"Moſſtraße"},
		"αθηνα":                         {"ΑΘΗΝΑ", "αθηνα"},
		"київ":                          {"КИЇВ", "Київ"},
		"東京 1":                          {"東京　1"},
	} {
		for _, s := range spellings {
			if got := providers.Fold(s); got != want {
				t.Errorf("Fold(%q) = %q, want %q", s, got, want)
			}
		}
	}
}

// Whoever adds a letter to the alphabet of a European language adds its base here.
func TestFold_KnowsEveryLetterOfLatin1AndExtendedA(t *testing.T) {
	t.Parallel()
	for r := rune(0xC0); r <= 0x17F; r++ {
		if r == '×' || r == '÷' {
			continue
		}
		for _, c := range providers.Fold(string(r)) {
			if c < 'a' || c > 'z' {
				t.Errorf("Fold(%q) = %q", r, providers.Fold(string(r)))
			}
		}
	}
}

func checkFold(t interface{ Errorf(string, ...any) }, s string) {
	once := providers.Fold(s)
	if twice := providers.Fold(once); twice != once {
		t.Errorf("Fold(%q) = %q, and of that %q", s, once, twice)
	}
	if once != strings.Join(strings.Fields(once), " ") {
		t.Errorf("Fold(%q) = %q has blanks to spare", s, once)
	}
	for _, r := range once {
		if unicode.ToLower(r) != r {
			t.Errorf("Fold(%q) = %q has upper case", s, once)
		}
	}
	if upper := providers.Fold(strings.ToLower(s)); !strings.ContainsRune(s, 'İ') && upper != once {
		t.Errorf("Fold(%q) = %q, of its lower case %q", s, once, upper)
	}
}

func TestFold_IsDoneOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkFold(t, rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-zÀ-ÿĀ-ſƀ-ɏḀ-ỿ\x{0300}-\x{036f} \t]{0,12}`)).Draw(t, "text"))
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Café  Noir", "ẞ", "İ", "e\u0301", "\xff\xfeA", "Ǆ", "\u212a", "東京　1", "ﬁ", "\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkFold(t, s) })
}
