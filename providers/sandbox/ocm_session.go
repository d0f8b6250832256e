package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// ocmMaxBody is more than anything that is posted here.
	ocmMaxBody = 1 << 20

	ocmIssuer   = "Open Charge Map"
	ocmAudience = "api.openchargemap.io"

	ocmMailHost     = "@ocm.example"
	ocmSocialUser   = 3997
	ocmKeyOwner     = 3998
	ocmServiceUser  = 3999
	ocmFirstUser    = 4000 // what is added to the number of a person
	ocmDrivers      = 9999
	ocmServiceMail  = "service" + ocmMailHost
	ocmSocialMail   = "social" + ocmMailHost
	ocmUsualLife    = 30 * 24 * time.Hour
	ocmUsualSession = "made-up-password"
)

// ocmAccounts are those who can sign in. A user has one session token, which
// all his JWTs are signed with, until it is exchanged.
type ocmAccounts struct {
	password string
	life     time.Duration
	now      func() time.Time
	seed     uint64
	people   []Person

	mu     sync.Mutex
	turns  map[int]int // how often the session token of a user was exchanged
	turn   int         // how often all were
	earned map[int]int // reputation since the start
}

func newOCMAccounts(data *ocmData, opts OCMOptions, now func() time.Time) *ocmAccounts {
	a := &ocmAccounts{
		password: opts.Password, life: opts.SessionLife, now: now, seed: data.seed, people: data.people,
		turns: make(map[int]int), earned: make(map[int]int),
	}
	if a.password == "" {
		a.password = ocmUsualSession
	}
	if a.life == 0 {
		a.life = ocmUsualLife
	}
	return a
}

// id returns the user with an e-mail address.
func (a *ocmAccounts) id(mail string) (id int, ok bool) {
	mail = strings.ToLower(strings.TrimSpace(mail))
	switch mail {
	case ocmServiceMail:
		return ocmServiceUser, true
	case ocmSocialMail:
		return ocmSocialUser, true
	}
	name, ours := strings.CutSuffix(mail, ocmMailHost)
	number, driver := strings.CutPrefix(name, "driver")
	n, err := strconv.Atoi(number)
	if !ours || !driver || err != nil || n < 1 || n > ocmDrivers || number != strconv.Itoa(n) {
		return 0, false
	}
	return ocmFirstUser + n, true
}

// user returns what is shown of a user.
func (a *ocmAccounts) user(id int) (u *ocmUser, ok bool) {
	a.mu.Lock()
	earned := a.earned[id]
	a.mu.Unlock()
	p := Person{ID: PersonID(id - ocmFirstUser)}
	switch {
	case id == ocmServiceUser:
		p.Name = "Sandbox Service"
	case id == ocmKeyOwner:
		p.Name = "Key Owner"
	case id == ocmSocialUser:
		p.Name = "Sociable"
	case id > ocmFirstUser && id <= ocmFirstUser+len(a.people):
		p = a.people[id-ocmFirstUser-1]
	case id > ocmFirstUser && id <= ocmFirstUser+ocmDrivers:
		p.Name = fmt.Sprintf("driver %d", id-ocmFirstUser)
	default:
		return nil, false
	}
	if p.AvatarHash == "" {
		p.AvatarHash = diceFor(a.seed, "avatar", id).hex(32)
	}
	p.Reputation += earned
	return ocmPerson(p), true
}

// session returns a user's session token, the secret that signs his JWTs.
func (a *ocmAccounts) session(id int) string {
	a.mu.Lock()
	turn := a.turn + a.turns[id]
	a.mu.Unlock()
	return diceFor(a.seed, "session "+strconv.Itoa(turn), id).hex(32)
}

// exchange ends all sessions of a user.
func (a *ocmAccounts) exchange(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turns[id]++
}

func (a *ocmAccounts) exchangeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn++
}

func (a *ocmAccounts) reward(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.earned[id]++
}

// ocmClaims are the claims of a JWT; its session token goes with it as nonce.
type ocmClaims struct {
	UserID   string `json:"UserID"`
	Nonce    string `json:"nonce"`
	Expires  int64  `json:"exp"`
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
}

type ocmTokenHeader struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
}

// token makes a JWT of a user.
func (a *ocmAccounts) token(id int) string {
	secret := a.session(id)
	encode := func(v any) string {
		text, _ := json.Marshal(v) // of strings and numbers
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := encode(ocmTokenHeader{"HS256", "JWT"}) + "." + encode(ocmClaims{
		UserID: strconv.Itoa(id), Nonce: secret, Expires: a.now().Add(a.life).Unix(), Issuer: ocmIssuer, Audience: ocmAudience,
	})
	return signed + "." + base64.RawURLEncoding.EncodeToString(ocmSign(signed, secret))
}

func ocmSign(signed, secret string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	_, _ = h.Write([]byte(signed))
	return h.Sum(nil)
}

// What is wrong with a token.
var (
	errOCMMalformed = errors.New("not a JWT")
	errOCMForeign   = errors.New("expired or foreign")
)

// check returns the user that a JWT belongs to.
func (a *ocmAccounts) check(token string) (id int, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0, errOCMMalformed
	}
	var header ocmTokenHeader
	var claims ocmClaims
	for i, to := range []any{&header, &claims} {
		text, broken := base64.RawURLEncoding.DecodeString(parts[i])
		if broken != nil || json.Unmarshal(text, to) != nil {
			return 0, errOCMMalformed
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return 0, errOCMMalformed
	}
	id, err = strconv.Atoi(claims.UserID)
	if err != nil {
		return 0, errOCMForeign
	}
	if _, known := a.user(id); !known || header.Algorithm != "HS256" || claims.Issuer != ocmIssuer || claims.Audience != ocmAudience ||
		!hmac.Equal(signature, ocmSign(parts[0]+"."+parts[1], a.session(id))) || a.now().Unix() >= claims.Expires {
		return 0, errOCMForeign
	}
	return id, nil
}

// Username returns the e-mail address of the account that stands ready for an
// application: service@ocm.example, user 3999.
func (o *OCM) Username() string { return ocmServiceMail }

// Password returns the password of Username, and of every other account.
func (o *OCM) Password() string { return o.accounts.password }

// SignIn returns a session of the account with an e-mail address, as signing in
// with its password would, and as a driver's app holds it; ok is false when
// there is no such account.
func (o *OCM) SignIn(username string) (token string, ok bool) {
	id, ok := o.accounts.id(username)
	if !ok || id == ocmSocialUser {
		return "", false
	}
	return o.accounts.token(id), true
}

// EndSessions makes every token worthless, as signing out from the website does
// at the real service.
func (o *OCM) EndSessions() { o.accounts.exchangeAll() }

func (o *OCM) controlSessions(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodDelete {
		w.Header().Set("Allow", "DELETE")
		http.Error(w, "want DELETE", http.StatusMethodNotAllowed)
		return
	}
	o.EndSessions()
	writeControl(w, map[string]any{"sessions": 0})
}

// authenticate answers /profile/authenticate, in the form of v3 or v4.
func (o *OCM) authenticate(r *http.Request, v4 bool) answer {
	var who struct{ EmailAddress, Password string }
	body, err := io.ReadAll(io.LimitReader(r.Body, ocmMaxBody))
	if err == nil {
		err = json.Unmarshal(body, &who)
	}
	if v4 && (err != nil || who.EmailAddress == "" || len(who.Password) < 6) {
		return ocmProblem(http.StatusBadRequest, "One or more validation errors occurred.")
	}
	id, known := o.accounts.id(who.EmailAddress)
	switch {
	case known && id == ocmSocialUser:
		return answer{status: http.StatusOK} // there is no password to compare with, and nobody looked
	case err == nil && known && hmac.Equal([]byte(who.Password), []byte(o.accounts.password)):
	case v4:
		return ocmProblem(http.StatusUnauthorized, "Unauthorized")
	default:
		return answer{status: http.StatusUnauthorized}
	}
	u, _ := o.accounts.user(id) // it was just found
	u.EmailAddress = new(strings.TrimSpace(who.EmailAddress))
	u.CurrentSessionToken = new(o.accounts.session(id))
	u.IsCurrentSessionTokenValid = new(true)
	u.Permissions = new("[Administrator=false];")
	profile := o.encoder.append(nil, u, ocmShape{verbose: true, compact: true, camelCase: v4})
	form := `{"Data":{"UserProfile":%s,"access_token":"%s"},"Metadata":{"StatusCode":200}}`
	if v4 {
		form = `{"data":{"userProfile":%s,"access_token":"%s"},"metadata":{"statusCode":200}}`
	}
	return answer{status: http.StatusOK, contentType: typeJSON, body: fmt.Appendf(nil, form, profile, o.accounts.token(id))}
}

func ocmProblem(status int, title string) answer {
	return answer{
		status: status, contentType: "application/problem+json; charset=utf-8",
		body: fmt.Appendf(nil, `{"type":"https://tools.ietf.org/html/rfc9110","title":"%s","status":%d}`, title, status),
	}
}

func (o *OCM) ownsWriteKey(key string) bool {
	return o.writeKey != "" && strings.EqualFold(key, o.writeKey)
}

// author returns who a request writes as: the owner of a key with the right to
// write, whoever is signed in, else the user of the token.
func (o *OCM) author(r *http.Request) (id int, refused answer, ok bool) {
	if o.ownsWriteKey(r.URL.Query().Get("apikey")) || o.ownsWriteKey(r.Header.Get("X-API-Key")) {
		return ocmKeyOwner, answer{}, true
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = r.URL.Query().Get("jwt-bearer")
	}
	if token == "" {
		return 0, answer{status: http.StatusUnauthorized}, false
	}
	id, err := o.accounts.check(token)
	switch {
	case errors.Is(err, errOCMMalformed):
		return 0, answer{status: http.StatusOK}, false // an exception: 200 and nothing
	case err != nil:
		return 0, answer{status: http.StatusUnauthorized}, false
	}
	return id, answer{}, true
}
