package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// standIn starts an upstream, whose answer holds the box it was asked for, and a
// proxy before it.
func standIn(t *testing.T) (p *proxy, upstream string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-Key") != ocmKey {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped(t, r.URL.Path+" "+r.URL.Query().Get(boxParameter)))
	}))
	t.Cleanup(s.Close)
	p, err := startProxy(t.Context(), s.URL+"/v3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p, s.URL
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-API-Key", ocmKey)
	req.Header.Set("Accept-Encoding", "gzip")
	transport := newTransport()
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestProxyPassesBytesOnAndCountsThoseOfPOIs(t *testing.T) {
	t.Parallel()
	p, _ := standIn(t)
	before := p.passed()
	var sum int64
	for _, box := range []string{"(1,2),(3,4)", "(50,60),(70,80)"} {
		want := zipped(t, "/v3/poi "+box)
		if got := get(t, p.url+"/poi?boundingbox="+box); !bytes.Equal(got, want) {
			t.Errorf("%q became %q", want, got)
		}
		sum += int64(len(want))
	}
	get(t, p.url+"/referencedata")
	if got, want := p.passed().since(before), (passed{2, sum}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := p.tables.Load(); n != 1 {
		t.Errorf("%d calls for tables", n)
	}
}

func TestSizeOfAsksTheSameButForTheBoxAndPastTheProxy(t *testing.T) {
	t.Parallel()
	p, upstream := standIn(t)
	get(t, p.url+"/poi?chargepointid=7")
	if p.area.Load() != nil {
		t.Error("a call by id passes for one of a box")
	}
	get(t, p.url+"/poi?compact=true&boundingbox=(1,2),(3,4)")
	before := p.passed()
	const box = "(10.5,20.5),(30.25,40.125)"
	transport := newTransport()
	defer transport.CloseIdleConnections()
	n, err := sizeOf(t.Context(), transport, upstream, p.area.Load(), box)
	if want := int64(len(zipped(t, "/v3/poi "+box))); err != nil || n != want {
		t.Errorf("%d bytes, want %d: %v", n, want, err)
	}
	if got := p.passed().since(before); got != (passed{}) {
		t.Errorf("it went through the proxy: %+v", got)
	}
	refused := p.area.Load().Clone(t.Context())
	refused.Header.Del("X-API-Key")
	if _, err = sizeOf(t.Context(), transport, upstream, refused, box); err == nil {
		t.Error("a refusal has a size")
	}
}

func TestPlainWritesTheBytesItWasGiven(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(newPlain())
	t.Cleanup(s.Close)
	addr := s.Listener.Addr().String()
	if _, err := once(t.Context(), addr, request("{}")); err == nil {
		t.Error("it answers before it was given anything")
	}
	r := &rig{plainAddr: addr, control: s.Client()}
	for _, want := range []string{wholeAnswer, "another"} {
		if err := r.setPlain(t.Context(), []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := once(t.Context(), addr, request("{}")); err != nil || string(got) != want {
			t.Errorf("%q %v", got, err)
		}
	}
}
