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
		sealed, err := seal(3, newStamp(at), t, []byte(value))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(3, sealed)
		f.Add(4, sealed)
		f.Add(3, sealed[:len(sealed)-1])
	}
	f.Add(0, []byte("cg"))
	f.Add(0, bytes.Repeat([]byte{0xff}, headerSize+sumSize))
	f.Fuzz(func(t *testing.T, version int, data []byte) {
		_ = stampOf(data) // of any bytes
		when, value, err := unseal(version, data)
		if err != nil {
			return
		}
		// What is accepted is whole: sealed again it reads the same.
		again, err := seal(version, stampOf(data), when, value)
		if err != nil {
			t.Fatal(err)
		}
		if stampOf(again) != stampOf(data) {
			t.Errorf("stamp %x became %x", stampOf(data), stampOf(again))
		}
		whenAgain, valueAgain, err := unseal(version, again)
		if err != nil || whenAgain != when || !bytes.Equal(valueAgain, value) {
			t.Errorf("%v %q became %v %q, %v", when, value, whenAgain, valueAgain, err)
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
	f.Add(encodeAnswer(Answer{}))
	f.Add(encodeAnswer(Answer{Body: []byte("{}"), Meta: []byte("m"), Tags: []string{"a", "", "poi 7"}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		ans, ok := decodeAnswer(data)
		if !ok {
			return
		}
		again, ok := decodeAnswer(encodeAnswer(ans))
		if diff := cmp.Diff(ans, again); !ok || diff != "" {
			t.Errorf("decoded again (-want +got):\n%s", diff)
		}
	})
}

func TestTooBigAValueIsNotWritten(t *testing.T) {
	t.Parallel()
	if _, err := seal(1, newStamp(time.Now()), times{}, make([]byte, maxValueBytes+1)); err == nil {
		t.Error("sealed")
	}
}
