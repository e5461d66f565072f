package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin/pb"
)

// wire brings requests to the engine without a network.
type wire struct{ e *Engine }

var errVaultDown = errors.New("clienttest: Vault is away")

// RoundTrip answers a request, unless Vault is away.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.e.mu.Lock()
	away := w.e.away
	w.e.mu.Unlock()
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if away {
		return nil, errVaultDown
	}
	recorder := httptest.NewRecorder()
	w.e.ServeHTTP(recorder, r)
	resp := recorder.Result()
	resp.Request = r
	return resp, nil
}

// ServeHTTP answers as Vault does below /v1/apikeys/ and for leases.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	entity, known := e.tokens[r.Header.Get("X-Vault-Token")]
	e.mu.Unlock()
	path, ours := strings.CutPrefix(r.URL.Path, "/v1/")
	op, allowed := operation(r)
	data, err := sent(r)
	switch {
	case !known:
		refuse(w, http.StatusForbidden, "permission denied")
		return
	case !allowed:
		refuse(w, http.StatusMethodNotAllowed, "no such method")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "error parsing JSON")
		return
	}
	within, engine := strings.CutPrefix(path, Mount+"/")
	switch {
	case ours && engine:
		e.answer(w, r, &logical.Request{
			ID: rand.Text(), Operation: op, Path: within, Data: data, MountPoint: Mount + "/", EntityID: entity,
			ClientTokenAccessor: entity + "-accessor", ClientToken: entity + "-salted",
			Connection: &logical.Connection{RemoteAddr: "192.0.2.1"},
		})
	case ours && path == "sys/leases/renew":
		e.lease(w, r, data, logical.RenewOperation)
	case ours && path == "sys/leases/revoke":
		e.lease(w, r, data, logical.RevokeOperation)
	default:
		refuse(w, http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", path))
	}
}

func operation(r *http.Request) (logical.Operation, bool) {
	switch {
	case r.Method == "LIST", r.Method == http.MethodGet && r.URL.Query().Get("list") == "true":
		return logical.ListOperation, true
	case r.Method == http.MethodGet:
		return logical.ReadOperation, true
	case r.Method == http.MethodPost, r.Method == http.MethodPut:
		return logical.UpdateOperation, true
	case r.Method == http.MethodPatch:
		return logical.PatchOperation, true
	case r.Method == http.MethodDelete:
		return logical.DeleteOperation, true
	}
	return "", false
}

// sent returns the fields of a request's query and body.
func sent(r *http.Request) (map[string]any, error) {
	data := make(map[string]any)
	for name, values := range r.URL.Query() {
		if name != "list" {
			data[name] = values[0]
		}
	}
	if r.Body == nil {
		return data, nil
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data, nil
}

// handle has the engine answer. What crosses gRPC to a plugin changes on the way, as here.
func (e *Engine) handle(r *http.Request, req *logical.Request) (*logical.Response, error) {
	sent, err := pb.LogicalRequestToProtoRequest(req)
	if err != nil {
		return nil, err
	}
	received, err := pb.ProtoRequestToLogicalRequest(sent)
	if err != nil {
		return nil, err
	}
	received.Storage = &e.storage
	resp, err := e.backend.HandleRequest(r.Context(), received)
	err = pb.ProtoErrToErr(pb.ErrToProtoErr(err))
	answered, badly := pb.LogicalResponseToProtoResponse(resp)
	if badly != nil {
		return nil, badly
	}
	resp, badly = pb.ProtoResponseToLogicalResponse(answered)
	if badly != nil {
		return nil, badly
	}
	return resp, err
}
