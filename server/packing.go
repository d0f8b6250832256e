package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minCompressed is the shortest answer that is worth packing: it fills more than
// one packet.
const minCompressed = 1400

// compressed packs answers by zstd or gzip, whichever the client takes. Streams
// stay as they are: packing would hold their events back.
func compressed(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(minCompressed), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(true),
		gzhttp.ContentTypes([]string{mediaJSON, mediaGraphQL, "text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml"}),
	)
	if err != nil {
		return nil, fmt.Errorf("server: compression: %w", err)
	}
	packed := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsEvents(r) || r.Header.Get("Upgrade") != "" || partsFor(w, r) != nil {
			next.ServeHTTP(w, r)
			return
		}
		packed.ServeHTTP(w, r)
	}), nil
}

// packer packs whole bodies, which are kept so: packing one takes ten times as
// long as all else that is done to send an answer that is kept.
type packer struct {
	gzip sync.Pool // of *gzip.Writer
	zstd *zstd.Encoder
}

func newPacker() (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("server: compression: %w", err)
	}
	return &packer{zstd: encoder}, nil
}

// pack returns body in a coding of codingFor.
func (p *packer) pack(coding string, body []byte) []byte {
	if coding == "zstd" {
		return p.zstd.EncodeAll(body, nil)
	}
	var out bytes.Buffer
	w, ok := p.gzip.Get().(*gzip.Writer)
	if !ok {
		w, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is good
	}
	w.Reset(&out)
	_, _ = w.Write(body) // memory takes it
	_ = w.Close()
	p.gzip.Put(w)
	return bytes.Clone(out.Bytes())
}

// codingFor returns the coding that suits the Accept-Encoding given: zstd where it
// is named and weighs no less than gzip, gzip, or "" for neither.
func codingFor(values []string) string {
	if len(values) == 0 {
		return ""
	}
	gzip := weightOf("gzip", values)
	switch zstd := namedWeightOf("zstd", values); {
	case zstd > 0 && zstd >= gzip:
		return "zstd"
	case gzip > 0:
		return "gzip"
	}
	return ""
}

// weightOf returns the weight of a coding in the Accept-Encoding given, by its name
// or that of everything; 0: it does not suit.
func weightOf(coding string, values []string) float64 {
	if weight := namedWeightOf(coding, values); weight >= 0 {
		return weight
	}
	return max(namedWeightOf("*", values), 0)
}

// namedWeightOf is weightOf by the name alone; -1: it is not named.
func namedWeightOf(coding string, values []string) float64 {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			name, parameter, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			_, q, weighted := strings.Cut(parameter, "=")
			if !weighted {
				return 1
			}
			weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			if err != nil || !(weight > 0) {
				return 0
			}
			return min(weight, 1)
		}
	}
	return -1
}
