package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"
)

// What lies in Redis, in this order:
//
//	0   "cg", version of the envelope, how the value is packed
//	4   version of the value's encoding
//	8   when the value was fetched     } the stamp: no two
//	16  a random number                } writes have the same
//	24  soft age
//	32  hard age
//	40  the value: packed, as one block of s2, or plain
//	-4  CRC-32C of everything before
//
// Numbers are big endian, times nanoseconds since 1970.
const (
	envelopeVersion = 1
	packingAt       = 3
	headerSize      = 40
	sumSize         = 4
	stampAt         = 8
	stampSize       = 16
	// maxValueBytes bounds what one value may take in Redis, and what a length in bytes from there may make us
	// reserve. A tile of a dense city has one or two MB.
	maxValueBytes = 32 << 20
)

// packing says how a value lies in its envelope.
type packing byte

const (
	packed packing = 0
	plain  packing = 1
)

// errEnvelope says that bytes are not what this version has written, whole.
var errEnvelope = errors.New("cache: not a value of this version")

// stamp tells one write of a value from another; empty: none is known. It begins
// with an s, so that an unknown one differs from that of too short a value.
type stamp string

// newStamp returns a stamp that no other value has.
func newStamp(fetchedAt time.Time) stamp {
	b := make([]byte, 1, 1+stampSize)
	b[0] = 's'
	b = binary.BigEndian.AppendUint64(b, nanos(fetchedAt))
	return stamp(binary.BigEndian.AppendUint64(b, rand.Uint64())) //nolint:gosec // tells writes apart, protects nothing
}

// stampOf returns the stamp of bytes of whatever kind, as lookScript sees it.
func stampOf(data []byte) stamp {
	return "s" + stamp(data[min(stampAt, len(data)):min(stampAt+stampSize, len(data))])
}

// times are those of a value in Redis.
type times struct {
	fetchedAt, softUntil, hardUntil time.Time
}

// seal appends value to dst in an envelope, stamped by st, which was made for
// t.fetchedAt.
func seal(dst []byte, version int, st stamp, t times, how packing, value []byte) ([]byte, error) {
	if len(value) > maxValueBytes {
		return dst, errors.New("cache: value too big for Redis")
	}
	room := len(value)
	if how == packed {
		room = s2.MaxEncodedLen(len(value))
	}
	begin := len(dst)
	out := slices.Grow(dst, headerSize+room+sumSize)
	out = append(out, 'c', 'g', envelopeVersion, byte(how))
	out = binary.BigEndian.AppendUint32(out, uint32(version)) //nolint:gosec // small
	out = append(out, st[1:]...)
	out = binary.BigEndian.AppendUint64(out, nanos(t.softUntil))
	out = binary.BigEndian.AppendUint64(out, nanos(t.hardUntil))
	if how == packed {
		n := len(out)
		out = out[:n+len(s2.Encode(out[n:n+room], value))]
	} else {
		out = append(out, value...)
	}
	return binary.BigEndian.AppendUint32(out, sum(out[begin:])), nil
}

// unseal takes the value out of an envelope; a plain one is a part of data.
// Whatever is foreign, cut off, damaged or of another version is errEnvelope.
func unseal(version int, data []byte) (times, []byte, error) {
	if len(data) < headerSize+sumSize || !bytes.Equal(data[:packingAt], []byte{'c', 'g', envelopeVersion}) {
		return times{}, nil, errEnvelope
	}
	body, end := data[:len(data)-sumSize], data[len(data)-sumSize:]
	if binary.BigEndian.Uint32(body[4:]) != uint32(version) || binary.BigEndian.Uint32(end) != sum(body) { //nolint:gosec // small
		return times{}, nil, errEnvelope
	}
	value := body[headerSize:len(body):len(body)]
	switch packing(data[packingAt]) {
	case plain:
	case packed:
		size, err := s2.DecodedLen(value)
		if err != nil || size > maxValueBytes {
			return times{}, nil, errEnvelope
		}
		if value, err = s2.Decode(nil, value); err != nil {
			return times{}, nil, errEnvelope
		}
	default:
		return times{}, nil, errEnvelope
	}
	return times{fetchedAt: timeOf(body[8:]), softUntil: timeOf(body[24:]), hardUntil: timeOf(body[32:])}, value, nil
}

func sum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func nanos(t time.Time) uint64 { return uint64(t.UnixNano()) }

func timeOf(b []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // from nanos
}
