package chargegraph

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror" //nolint:depguard // a client of GraphQL, on the other side of the wire
)

// Client asks one service. Pass it to the functions of operations. Any number of
// goroutines may use it.
type Client struct {
	graphql.Client

	url  string
	http graphql.Doer
}

// Options are what a Client needs beside an address.
type Options struct {
	// Token is an API key or a JWT. Reading needs none where the service is open;
	// checking in does.
	Token string
	// HTTP makes the requests; nil stands for a client without a time limit of its
	// own, as contexts have theirs and subscriptions last.
	HTTP *http.Client
}

// New returns a client of the graph at url, such as
// https://charge.example/graphql. It asks nothing yet.
func New(url string, o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	doer := introduced{o.HTTP, o.Token}
	return &Client{Client: graphql.NewClient(url, doer), url: url, http: doer}
}

// introduced says with each request who asks.
type introduced struct {
	http  *http.Client
	token string
}

// Do implements graphql.Doer.
func (i introduced) Do(r *http.Request) (*http.Response, error) {
	if i.token != "" {
		r.Header.Set("Authorization", "Bearer "+i.token)
	}
	return i.http.Do(r)
}

// Code tells what kind of error err is: the extensions.code of the service's
// first error, such as BAD_USER_INPUT or PROVIDER_UNAVAILABLE. It is "" for nil,
// and for an error that is not the service's, such as of the network.
func Code(err error) string {
	var list gqlerror.List
	if refused, ok := errors.AsType[*graphql.HTTPError](err); ok {
		list = refused.Response.Errors
	} else {
		errors.As(err, &list)
	}
	if len(list) == 0 {
		return ""
	}
	code, _ := list[0].Extensions["code"].(string)
	return code
}

// MistakesError says that a check-in was not accepted, and why: for the person
// who asked.
type MistakesError []*Mistake

// Error implements error.
func (e MistakesError) Error() string {
	sentences := make([]string, len(e))
	for i, m := range e {
		sentences[i] = fmt.Sprintf("%s: %s (%s)", strings.Join(m.Field, "."), m.Message, m.Code)
	}
	return strings.Join(sentences, "; ")
}
