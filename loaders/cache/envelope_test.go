package cache

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzEnvelope(f *testing.F) {
	at := time.Unix(1_700_000_000, 123).UTC()
	t := times{fetchedAt: at, softUntil: at.Add(time.Minute), hardUntil: at.Add(time.Hour)}
	for _, value := range []string{"", "x", strings.Repeat("charging point ", 300)} {
		for _, how := range []packing{packed, plain} {
			sealed, err := seal(nil, 3, newStamp(at), t, how, []byte(value))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(3, sealed)
			f.Add(4, sealed)
			f.Add(3, sealed[:len(sealed)-1])
		}
	}
	f.Add(0, []byte("cg"))
	f.Add(0, bytes.Repeat([]byte{0xff}, headerSize+sumSize))
	f.Fuzz(func(t *testing.T, version int, data []byte) {
		_ = stampOf(data) // of any bytes
		when, value, err := unseal(version, data)
		if err != nil {
			return
		}
		// What is accepted is whole: sealed again, behind something else, it reads the same.
		for _, how := range []packing{packed, plain} {
			const before = "before"
			again, err := seal([]byte(before), version, stampOf(data), when, how, value)
			if err != nil {
				t.Fatal(err)
			}
			again, found := bytes.CutPrefix(again, []byte(before))
			if !found || stampOf(again) != stampOf(data) {
				t.Errorf("stamp %x became %x", stampOf(data), stampOf(again))
			}
			whenAgain, valueAgain, err := unseal(version, again)
			if err != nil || whenAgain != when || !bytes.Equal(valueAgain, value) {
				t.Errorf("%v %q became %v %q, %v", when, value, whenAgain, valueAgain, err)
			}
		}
		for i := 0; i < len(data); i += 1 + len(data)/20 {
			broken := bytes.Clone(data)
			broken[i] ^= 0x10
			if _, _, err := unseal(version, broken); err == nil {
				t.Errorf("byte %d is changed and nobody minds", i)
			}
		}
		if _, _, err := unseal(version+1, data); err == nil {
			t.Error("another version is read")
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(encodeAnswer(Answer{}, nil))
	f.Add(encodeAnswer(Answer{Body: []byte("{}"), Meta: []byte("m")}, newTagList([]string{"a", "", "poi 7"})))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{2, 5, 'a', 0}) // a tag that reaches beyond their list
	f.Fuzz(func(t *testing.T, data []byte) {
		ans, tags, ok := decodeAnswer(data)
		if !ok {
			return
		}
		again, tagsAgain, ok := decodeAnswer(encodeAnswer(ans, tags))
		if diff := cmp.Diff(ans, again); !ok || diff != "" || !bytes.Equal(tags, tagsAgain) {
			t.Errorf("decoded again (-want +got), with %q after %q:\n%s", tagsAgain, tags, diff)
		}
		var names []string
		for tag := range tags.all() {
			names = append(names, string(tag))
		}
		var namesAgain []string
		for tag := range newTagList(names).all() {
			namesAgain = append(namesAgain, string(tag))
		}
		if diff := cmp.Diff(names, namesAgain); diff != "" {
			t.Errorf("tags listed again (-want +got):\n%s", diff)
		}
	})
}

func TestTooBigAValueIsNotWritten(t *testing.T) {
	t.Parallel()
	if _, err := seal(nil, 1, newStamp(time.Now()), times{}, packed, make([]byte, maxValueBytes+1)); err == nil {
		t.Error("sealed")
	}
}
