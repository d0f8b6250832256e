package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ocpiQuery is the filters and the window of a list.
type ocpiQuery struct {
	offset, limit int
	from, to      time.Time // zero when not asked for
}

// readOCPIQuery reads the query of a list. problem names the first parameter
// that makes no sense.
func readOCPIQuery(values url.Values, most int) (q ocpiQuery, problem string) {
	q.limit = most
	for _, p := range []struct {
		name  string
		to    *int
		least int
	}{{"offset", &q.offset, 0}, {"limit", &q.limit, 1}} {
		text := values.Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < p.least {
			return q, p.name
		}
		*p.to = n
	}
	q.limit = min(q.limit, most)
	for _, p := range []struct {
		name string
		to   *time.Time
	}{{"date_from", &q.from}, {"date_to", &q.to}} {
		text := values.Get(p.name)
		if text == "" {
			continue
		}
		at, ok := parseOCPITime(text)
		if !ok {
			return q, p.name
		}
		*p.to = at
	}
	return q, ""
}

// parseOCPITime reads a moment; no zone means UTC, and a + that was not
// escaped in a query arrives as a blank.
func parseOCPITime(text string) (time.Time, bool) {
	text = strings.ReplaceAll(text, " ", "+")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// within tells whether a moment is in the window: its beginning is, its end is
// not.
func (q *ocpiQuery) within(at time.Time) bool {
	return (q.from.IsZero() || !at.Before(q.from)) && (q.to.IsZero() || at.Before(q.to))
}

// locations lists what the feed holds, in its style.
func (o *OCPI) locations(r *http.Request, shape ocpiShape, now time.Time) answer {
	found := o.all(r, shape, now)
	write := func(from, to int) []byte {
		return o.list(from, to, func(b []byte, i int) []byte { return found[i].append(b, o.world, now, shape) })
	}
	switch o.opts.Style {
	case OCPIArray:
		return answer{status: http.StatusOK, contentType: typeJSON, body: write(0, len(found))}
	case OCPICursor:
		return o.cursorPage(r, len(found), write, now)
	case OCPIPage:
		return o.springPage(r, len(found), write)
	case OCPIEnvelope:
	}
	q, problem := readOCPIQuery(r.URL.Query(), o.opts.PageLimit)
	if problem != "" {
		return ocpiError(http.StatusOK, 2001, "Invalid or missing parameter: "+problem, now)
	}
	if !q.from.IsZero() || !q.to.IsZero() {
		kept := found[:0]
		for _, record := range found {
			if q.within(record.updated(o.world, now)) {
				kept = append(kept, record)
			}
		}
		found = kept
	}
	return o.page(r, q, len(found), write, now)
}

// tariffs lists the tariffs of the made-up locations.
func (o *OCPI) tariffs(r *http.Request, shape ocpiShape, now time.Time) answer {
	q, problem := readOCPIQuery(r.URL.Query(), o.opts.PageLimit)
	if problem != "" {
		return ocpiError(http.StatusOK, 2001, "Invalid or missing parameter: "+problem, now)
	}
	var found []*ocpiLocation
	for _, record := range o.all(r, shape, now) {
		if l, ok := record.(*ocpiLocation); ok && l.tariff != "" && l.older == 0 && q.within(l.edited) {
			found = append(found, l)
		}
	}
	write := func(from, to int) []byte {
		return o.list(from, to, func(b []byte, i int) []byte { return found[i].appendTariff(b, shape, false) })
	}
	if o.opts.Style == OCPIArray {
		return answer{status: http.StatusOK, contentType: typeJSON, body: write(0, len(found))}
	}
	return o.page(r, q, len(found), write, now)
}

// list writes objects from..to-1 as an array, with broken ones between them
// when the feed is one of those.
func (o *OCPI) list(from, to int, one func(b []byte, i int) []byte) []byte {
	broken := []string{
		`null`, `"LOC0"`, `[]`, `{}`, `{"id":null,"coordinates":{"latitude":"north","longitude":{}}}`,
		`{"country_code":"XX","party_id":"BRK","id":"broken","publish":"perhaps","coordinates":[52.1,4.3],"evses":"none","last_updated":12}`,
		`{"country_code":"XX","party_id":"BRK","id":["broken"],"evses":[null,{"uid":{},"connectors":{}}],"last_updated":"yesterday"}`,
	}
	w := &ocpiWriter{b: make([]byte, 0, 2048*(to-from)+2)}
	w.open('[')
	for i := from; i < to; i++ {
		if o.opts.Quirks.Broken && i%5 == 0 {
			w.raw(broken[i/5%len(broken)])
		}
		w.comma()
		w.b = one(w.b, i)
	}
	w.close(']')
	return w.b
}

// page answers one page as the specification has it.
func (o *OCPI) page(r *http.Request, q ocpiQuery, total int, write func(from, to int) []byte, now time.Time) answer {
	from := min(q.offset, total)
	to := min(from+q.limit, total)
	a := ocpiData(write(from, to), now).with("X-Limit", strconv.Itoa(q.limit))
	if !o.opts.Quirks.NoTotal {
		a = a.with("X-Total-Count", strconv.Itoa(total))
	}
	if to < total && !o.opts.Quirks.NoLink {
		next := q.offset + q.limit
		if o.opts.Quirks.LinkRepeats {
			next = q.offset
		}
		a = a.with("Link", o.link(r, next, q.limit))
	}
	return a
}

// link is the header that leads to the next page; filters stay.
func (o *OCPI) link(r *http.Request, offset, limit int) string {
	values := r.URL.Query()
	values.Set("offset", strconv.Itoa(offset))
	values.Set("limit", strconv.Itoa(limit))
	u := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: values.Encode()}
	if r.TLS != nil && !o.opts.Quirks.LinkDowngrades {
		u.Scheme = "https"
	}
	if o.opts.Quirks.LinkHost != "" {
		u.Host = o.opts.Quirks.LinkHost
	}
	return fmt.Sprintf(`<%s>; rel="next"`, u.String())
}

// cursorPage answers {next, items}. A cursor is opaque to clients.
func (o *OCPI) cursorPage(r *http.Request, total int, write func(from, to int) []byte, now time.Time) answer {
	values := r.URL.Query()
	values.Del("offset")
	if text := values.Get("cursor"); text != "" {
		plain, err := base64.RawURLEncoding.DecodeString(text)
		offset, found := strings.CutPrefix(string(plain), "after:")
		if err != nil || !found {
			return ocpiError(http.StatusBadRequest, 2001, "Invalid cursor", now)
		}
		values.Set("offset", offset)
	}
	q, problem := readOCPIQuery(values, o.opts.PageLimit)
	if problem != "" {
		return ocpiError(http.StatusBadRequest, 2001, "Invalid parameter: "+problem, now)
	}
	from := min(q.offset, total)
	to := min(from+q.limit, total)
	w := &ocpiWriter{}
	w.open('{')
	if to < total {
		next := to
		if o.opts.Quirks.LinkRepeats {
			next = from
		}
		w.key("next").text(base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(next))))
	} else {
		w.key("next").raw("null")
	}
	w.key("items")
	w.b = append(w.b, write(from, to)...)
	w.close('}')
	return answer{status: http.StatusOK, contentType: typeJSON, body: w.b}
}

// springPage answers Spring's page object. As there, parameters that make no
// sense are the defaults.
func (o *OCPI) springPage(r *http.Request, total int, write func(from, to int) []byte) answer {
	number := func(name string, otherwise, least int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n >= least {
			return n
		}
		return otherwise
	}
	size := min(number("size", o.opts.PageLimit, 1), o.opts.PageLimit)
	pages := (total + size - 1) / size
	page := min(number("page", 0, 0), pages)
	from := min(page*size, total)
	to := min(from+size, total)
	w := &ocpiWriter{}
	w.open('{')
	w.key("content")
	w.b = append(w.b, write(from, to)...)
	const sort = `{"sorted":true,"unsorted":false,"empty":false}`
	w.key("pageable").raw(`{"sort":` + sort + `,"offset":` + strconv.Itoa(page*size) + `,"pageNumber":` + strconv.Itoa(page) +
		`,"pageSize":` + strconv.Itoa(size) + `,"paged":true,"unpaged":false}`)
	w.key("totalElements").number(float64(total))
	w.key("totalPages").number(float64(pages))
	w.key("last").boolean(page+1 >= pages)
	w.key("size").number(float64(size))
	w.key("number").number(float64(page))
	w.key("sort").raw(sort)
	w.key("first").boolean(page == 0)
	w.key("numberOfElements").number(float64(to - from))
	w.key("empty").boolean(to == from)
	w.close('}')
	return answer{status: http.StatusOK, contentType: typeJSON, body: w.b}
}
