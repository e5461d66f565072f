package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// choices makes a tenant ask, on its own paths, for work that would cost others. The engine has to refuse all
// of it. If it accepts a request, no harm is done: each is a read or a dry run.
func (r *run) choices(ctx context.Context, by *party) error {
	w := r.wall(by.Name + " choosing what would cost others")
	for _, who := range by.Callers {
		for _, t := range r.costly(who) {
			means := refused
			if strings.HasSuffix(t.path, "/import") {
				means = unimported
			}
			if err := r.tryAll(ctx, w, []try{t}, means); err != nil {
				return err
			}
		}
	}
	return nil
}

// costly returns requests for expensive work.
func (r *run) costly(who *caller) []try {
	const (
		items    = 1001    // a batch has at most 1000 items
		text     = 4 << 20 // batch_json has at most so many bytes
		longest  = 1 << 20 // a message has at most so many bytes
		manyKeys = 1001    // an import has at most 1000 keys
		globs    = 32
	)
	scopes := make([]any, globs)
	for i := range scopes {
		scopes[i] = fmt.Sprintf("GET /**%s/z%d", strings.Repeat("/*", 100), i)
	}
	one := fields{"message": "isolation", "signature": "v1:" + r.nobodyID + ":"}
	batch, keys := make([]any, items), make([]any, manyKeys)
	for i := range batch {
		batch[i] = one
	}
	for i := range keys {
		keys[i] = fields{}
	}
	const verify, imports = "my/verify", "my/external/import"
	dry := func(change fields) try {
		item := r.importable()
		maps.Copy(item, change)
		return try{who, http.MethodPost, imports, fields{"dry_run": true, "keys": []any{item}}}
	}
	without := func(secret []byte) try { // entropy
		return dry(fields{"key": base64.RawURLEncoding.EncodeToString(secret)})
	}
	return []try{
		dry(fields{"scheme": "vrnt-1", "scopes": scopes}),
		dry(fields{"recipients": []any{hugeRSA()}}),
		dry(fields{"metadata": fields{"isolation": strings.Repeat("m", longest)}}),
		dry(fields{"description": strings.Repeat("d", longest)}),
		{who, http.MethodPost, verify, fields{"batch": batch}},
		{
			who,
			http.MethodPost,
			verify,
			fields{"batch_json": "[" + strings.TrimSuffix(strings.Repeat("{},", items), ",") + "]"},
		},
		{who, http.MethodPost, verify, fields{"batch_json": "[" + strings.Repeat(" ", text) + "]"}},
		{
			who,
			http.MethodPost,
			verify,
			fields{"message": strings.Repeat("m", longest+1), "signature": one["signature"]},
		},
		{who, http.MethodPost, imports, fields{"dry_run": true, "keys": keys}},
		without(make([]byte, 32)),                       // all bytes equal
		without([]byte(strings.Repeat("isolation", 4))), // a pattern, repeated
	}
}

// hugeRSA returns an ssh-rsa key of 16,384 bits in the format of RFC 4253 section 6.6.
func hugeRSA() string {
	const size = 2048
	modulus := make([]byte, 1+size)
	modulus[1], modulus[size] = 0x80, 1
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-rsa"), {1, 0, 1}, modulus} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...) // #nosec G115 -- short
	}
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(wire)
}
