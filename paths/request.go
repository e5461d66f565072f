package paths

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

// request is one request with all that handlers need. Who is calling, and for which tenant, is settled before.
type request struct {
	*logical.Request
	captured *framework.FieldData
	config   *tenant.Config
	tenant   *tenant.Tenant // on tenants' paths
	now      time.Time
	warnings []string
	again    func(context.Context) error // takes settings and tenant anew; nil: they stay

	waited        waits
	ofManyTenants bool // a batch that may hold items of many tenants
	hasTurn       bool // the request has its tenant's turn in the gate of work
}

// renew has the request be judged by what is in force now. It is called after every wait, because what was answered
// meanwhile, such as a suspension, holds for who has waited.
func (r *request) renew(ctx context.Context) (err error) {
	//mutate:false "what was answered while a request waited" TestAnsweredChangesHoldForWhoWaits
	if r.again != nil {
		err = r.again(ctx)
	}
	r.now = time.Now()
	return err
}

// afterRenewal is change for a request that has waited for the record: see [request.renew].
func afterRenewal[T any](ctx context.Context, r *request, change func(*T) (*T, error)) func(*T) (*T, error) {
	return func(old *T) (*T, error) {
		if err := r.renew(ctx); err != nil {
			return nil, err
		}
		return change(old)
	}
}

// waits is how long a request has waited for turns.
type waits struct {
	all     time.Duration
	byOwner map[string]time.Duration // by owner
}

func (w *waits) add(owner string, waited time.Duration) {
	if w.byOwner == nil {
		w.byOwner = make(map[string]time.Duration)
	}
	w.all += waited
	w.byOwner[owner] += waited
}

// actor returns who is asking, for histories.
func (r *request) actor() apikey.Actor {
	return apikey.Actor{
		EntityID: r.EntityID, Accessor: r.ClientTokenAccessor, RequestID: r.ID, Name: r.callerName(),
	}
}

// callerName is what Vault calls the caller's token: the method of the login, and who logged in.
func (r *request) callerName() string {
	//mutate:instead "long and misleading names of callers" TestNamesOfCallers => return r.DisplayName
	return field.Shown(r.DisplayName, apikey.MaxActorName)
}

// patches reports whether the request is to be merged into what is there.
func (r *request) patches() bool { return r.Operation == logical.PatchOperation }

// warn adds a warning to the answer, once.
func (r *request) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// kind returns the kind that the path captured.
func (r *request) kind() (apikey.Kind, error) {
	return apikey.ParseKind(r.captured.Get("kind").(string))
}

// named returns the kind and the name that the path captured. What is name, of a key, or role.
func (r *request) named(what string) (apikey.Kind, apikey.Name, error) {
	kind, err := r.kind()
	if err != nil {
		return "", "", err
	}
	name, err := apikey.ParseName(what, r.captured.Get(what).(string))
	return kind, name, err
}

func (r *request) keyIDInPath() (string, error) {
	keyID := r.captured.Get("key_id").(string)
	if !signing.ValidKeyID(keyID) {
		return "", refusal.Errorf(refusal.Invalid, "key_id: has 8 to 64 of 0-9, A-Z, a-z, - and _")
	}
	return keyID, nil
}

// active refuses what a suspended tenant may not do: make secrets and hand them out.
func (r *request) active() error {
	if r.tenant.State() != tenant.Active {
		return apikey.Refuse(apikey.TenantSuspended)
	}
	return nil
}

// text returns a text field that is not a setting; "" when it is not given.
func (r *request) text(name string, most int) (string, error) {
	raw, given := r.Data[name]
	if !given || raw == nil {
		return "", nil
	}
	return field.ParseText(name, raw, most)
}

// cas returns the revision that the caller expects, or -1 for any.
func (r *request) cas() (int, error) {
	raw, given := r.Data["cas"]
	if !given || raw == nil {
		return -1, nil
	}
	return field.ParseInt("cas", raw, 0, 1<<53)
}

// checkCAS refuses a change of an object with another revision; 0 is none at all.
func checkCAS(cas, revision int) error {
	if cas < 0 || cas == revision {
		return nil
	}
	if revision == 0 {
		return refusal.Errorf(refusal.Conflict, "cas: there is no such object yet, its revision counts as 0")
	}
	return refusal.Errorf(refusal.Conflict, "cas: the revision is %d now; read the object again", revision)
}

// warnReasonKept warns where another reason is kept than the one given.
func (r *request) warnReasonKept(given, kept string) {
	if given != "" && given != kept {
		r.warn("reason: one was given before, and the first stands; this one is not kept")
	}
}
