package ocpi

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

// maxElement bounds one location; the largest known has 200 kB.
const maxElement = 16 << 20

// page is what stands around the locations of one answer.
type page struct {
	elements int  // in the list, readable or not
	unlisted bool // there was no list at all

	// An OCPI envelope, and what version details hold.
	status    wire.Number
	endpoints wire.List[wireEndpoint]
	// A cursor: chargecloud.
	next wire.Text
	// A page object: Spring.
	number, totalPages, totalElements wire.Number
	last                              wire.Flag
}

// readPage reads an answer from beginning to end and calls each with every
// location, which is emptied afterwards; nil stands for an element that is none.
// It holds one location at a time. The body must be one JSON value.
func readPage(body io.Reader, w *wireLocation, each func(*wireLocation) error) (*page, error) {
	bounded := &elementReader{r: body}
	dec := jsontext.NewDecoder(bounded, wire.Lenient())
	bounded.dec = dec
	p := &page{unlisted: true}
	read := p.object
	if dec.PeekKind() == jsontext.KindBeginArray {
		read = p.list
	}
	if err := read(dec, w, each); err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = upstream.BadResponse("the feed's answer goes on after its end", nil)
		}
		return nil, err
	}
	return p, nil
}

// list reads a JSON array of locations.
func (p *page) list(dec *jsontext.Decoder, w *wireLocation, each func(*wireLocation) error) error {
	p.unlisted = false
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for {
		switch dec.PeekKind() {
		case jsontext.KindEndArray:
			_, err := dec.ReadToken()
			return err
		case jsontext.KindBeginObject:
			if err := p.element(dec, w, each); err != nil {
				return err
			}
		default:
			if err := dec.SkipValue(); err != nil {
				return err
			}
			p.elements++
			if err := each(nil); err != nil {
				return err
			}
		}
	}
}

func (p *page) element(dec *jsontext.Decoder, w *wireLocation, each func(*wireLocation) error) error {
	w.Reset()
	if err := json.UnmarshalDecode(dec, w); err != nil {
		return err
	}
	p.elements++
	return each(w)
}

// object reads an object with a list inside.
func (p *page) object(dec *jsontext.Decoder, w *wireLocation, each func(*wireLocation) error) error {
	switch dec.PeekKind() {
	case jsontext.KindBeginObject:
	case jsontext.KindInvalid:
		_, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return upstream.BadResponse("the feed answered with nothing", nil)
		}
		return err
	default:
		return upstream.BadResponse("the feed's answer is neither a list nor an object", nil)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		var into any
		switch name.String() {
		case "data", "items", "content":
			if err := p.content(dec, w, each); err != nil {
				return err
			}
			continue
		case "status_code":
			into = &p.status
		case "endpoints":
			into = &p.endpoints
		case "next":
			into = &p.next
		case "number":
			into = &p.number
		case "totalPages":
			into = &p.totalPages
		case "totalElements":
			into = &p.totalElements
		case "last":
			into = &p.last
		default:
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := json.UnmarshalDecode(dec, into); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// content reads what an object holds: the list, or version details, or one
// location alone. null is an empty list.
func (p *page) content(dec *jsontext.Decoder, w *wireLocation, each func(*wireLocation) error) error {
	switch dec.PeekKind() {
	case jsontext.KindBeginArray:
		return p.list(dec, w, each)
	case jsontext.KindNull:
		p.unlisted = false
		return dec.SkipValue()
	case jsontext.KindBeginObject:
		var one struct {
			Endpoints wire.List[wireEndpoint] `json:"endpoints"`
			wireLocation
		}
		if err := json.UnmarshalDecode(dec, &one); err != nil {
			return err
		}
		if len(one.Endpoints) > 0 {
			p.endpoints = one.Endpoints
			return nil
		}
		p.unlisted = false
		p.elements++
		*w = one.wireLocation
		return each(w)
	default:
		return upstream.BadResponse("the feed's answer holds no list of locations", nil)
	}
}

// elementReader ends with [upstream.ErrTooLarge] when the decoder has to hold more than one
// location may have.
type elementReader struct {
	r    io.Reader
	dec  *jsontext.Decoder
	read int64
}

func (e *elementReader) Read(p []byte) (int, error) {
	if e.dec != nil && e.read-e.dec.InputOffset() > maxElement {
		return 0, upstream.ErrTooLarge
	}
	n, err := e.r.Read(p)
	e.read += int64(n)
	return n, err
}
