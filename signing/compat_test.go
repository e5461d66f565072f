package signing

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseCompat(t *testing.T) {
	all := []string{
		"headers_sorted", "header_value_case", "path_decoded", "path_query", "sig_std_base64", "param_whitespace",
		"param_order", "key_ascii", "no_nonce",
	}
	for i, name := range all {
		v := Variant(name)
		for _, s := range []Scheme{Vrnt1, RFC9421, HMACSHA256, "none"} {
			c, err := ParseCompat(s, []string{name})
			if v.Scheme() == s {
				if err != nil || !slices.Equal(c, Compat{v}) {
					t.Errorf("%s of %s: %v, %v", name, s, c, err)
				}
			} else if !errors.Is(err, ErrCompat) || !strings.Contains(err.Error(), name) || c != nil {
				t.Errorf("%s of %s: %v, %v", name, s, c, err)
			}
		}
		if variants[i] != v {
			t.Errorf("variant %d is %s, want %s", i, variants[i], v)
		}
	}
	long := strings.Repeat("n", maxQuoted)
	for _, row := range []struct{ names, want string }{
		{"", ""},
		{"param_order headers_sorted", ""},
		{"headers_sorted header_value_case path_query sig_std_base64 param_whitespace param_order key_ascii", ""},
		{"path_decoded path_query", "path_query"},
		{"path_query key_ascii path_decoded", "path_decoded"},
		{"key_ascii key_ascii", "key_ascii"},
		{"Key_ascii", "Key_ascii"},
		{"key_ascii no_nonce", "no_nonce"},
		{long + "o", `"` + long + `"`},
	} {
		names := strings.Fields(row.names)
		c, err := ParseCompat(Vrnt1, names)
		if row.want != "" {
			if !errors.Is(err, ErrCompat) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v", row.names, err)
			}
			continue
		}
		var got []string
		for _, v := range c {
			got = append(got, string(v))
		}
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: %v, %v", row.names, c, err)
		}
	}
	if _, err := ParseCompat(Vrnt1, []string{""}); !errors.Is(err, ErrCompat) {
		t.Errorf("empty name: %v", err)
	}
}

// Two lists that hold each variant of Vrnt-1; one alone cannot.
var everything = []Compat{
	{HeadersSorted, HeaderValueCase, PathDecoded, SigStdBase64, ParamWhitespace, ParamOrder, KeyASCII},
	{HeadersSorted, HeaderValueCase, PathQuery, SigStdBase64, ParamWhitespace, ParamOrder, KeyASCII},
}

func TestVrnt1VectorsVariants(t *testing.T) {
	for _, v := range vrnt1Vectors(t) {
		call, err := ParseLenientCall(mustParseHead(t, v.signed()))
		if err != nil {
			if strings.HasPrefix(v.ID, "V") || strings.HasPrefix(v.ID, "T") {
				t.Errorf("%s: %v", v.ID, err)
			}
			continue
		}
		key := NewMACKey(v.key(t))
		for _, c := range variants {
			matched, ok := key.SignedAs(call, Compat{c})
			want := v.ExpectStrict == "accept" || Variant(v.Variant) == c || strings.HasPrefix(v.ID, "N08")
			if ok != want {
				t.Errorf("%s with %s: %v", v.ID, c, ok)
			}
			if deviates := ok &&
				Variant(v.Variant) == c; deviates != slices.Equal(matched, Compat{c}) ||
				!deviates && matched != nil {
				t.Errorf("%s with %s: matched %v", v.ID, c, matched)
			}
		}
		for _, all := range everything {
			_, ok := key.SignedAs(call, all)
			other := Variant(v.Variant) == PathQuery && !all.Has(PathQuery) ||
				Variant(v.Variant) == PathDecoded && !all.Has(PathDecoded)
			if want := (strings.HasPrefix(v.ID, "N08") || v.ID[0] != 'N') && !other; ok != want {
				t.Errorf("%s with %v: %v", v.ID, all, ok)
			}
		}
		if call.SignedBy(v.key(t)) != key.Signed(call) || strings.HasPrefix(v.ID, "T") && key.Signed(call) {
			t.Errorf("%s: signed without its variant", v.ID)
		}
	}
}

// Forms that are read, with what deviates in them. sig is a tag whose text
// differs in the two alphabets.
func TestLooseForms(t *testing.T) {
	const salt, iat, kid = "salt=oKGio6SlpqeoqaqrrK2urw", "iat=2025-01-15T10:30:00Z", "kid=tEsTkId1"
	strict := vrnt1Row(t, "V01").Sig
	std := strings.NewReplacer("-", "+", "_", "/").Replace(strict)
	if std == strict {
		t.Fatal("the sig of the vector is the same in both alphabets")
	}
	start := salt + "," + iat + "," + kid + ",sig="
	for _, row := range []struct {
		name, text string
		form       Compat // nil where malformed
	}{
		{"standard alphabet", start + std, Compat{SigStdBase64}},
		{"standard alphabet, padded", start + std + "=", Compat{SigStdBase64}},
		{"padded", start + strict + "=", Compat{SigStdBase64}},
		{"blanks after commas", salt + ", " + iat + ",  " + kid + ", sig=" + strict, Compat{ParamWhitespace}},
		{"blank before a comma", salt + " ," + iat + "," + kid + ",sig=" + strict, Compat{ParamWhitespace}},
		{"two blanks after the scheme", " " + start + strict, Compat{ParamWhitespace}},
		{"another order", kid + "," + salt + ",sig=" + strict + "," + iat, Compat{ParamOrder}},
		{
			"all at once", "sig=" + std + "= , " + kid + "," + iat + "," + salt,
			Compat{SigStdBase64, ParamWhitespace, ParamOrder},
		},

		{"both alphabets", start + strings.Replace(std, "+", "-", 1), nil},
		{"both alphabets, padded", start + strings.Replace(std, "+", "-", 1) + "=", nil},
		{"padded twice", start + strict + "==", nil},
		{"stray bits", start + std[:42] + "5", nil},
		{"stray bits, padded", start + strict[:42] + "5=", nil},
		{"short", start + std[1:], nil},
		{"short, padded", start + std[2:] + "==", nil},
		{"blank before an equals sign", strings.Replace(start, "=", " =", 1) + strict, nil},
		{"blank after an equals sign", strings.Replace(start, "=", "= ", 1) + strict, nil},
		{"blank in a value", strings.Replace(start, "tEsT", "tE sT", 1) + strict, nil},
		{"duplicate", start + strict + "," + kid, nil},
		{"duplicate with blanks", start + strict + ", " + kid, nil},
		{"unknown", start + strict + ",alg=none", nil},
		{"empty parameter", start + strict + ",", nil},
		{"two commas", salt + ",," + iat + "," + kid + ",sig=" + strict, nil},
		{"upper-case name", strings.Replace(start, "kid", "KID", 1) + strict, nil},
		{"quoted", strings.Replace(start, "tEsTkId1", `"tEsTkId1"`, 1) + strict, nil},
		{"one missing", salt + "," + iat + ",sig=" + strict, nil},
		{"offset", strings.Replace(start, "00Z", "00+00:00", 1) + strict, nil},
		{"nothing", "", nil},
	} {
		h := mustParseHead(t, "GET /wfo/user-mgmt-api/v1/employees\nAuthorization: Vrnt-1-HMAC-SHA256 "+row.text)
		if _, err := ParseCall(h); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: the strict form: %v", row.name, err)
		}
		call, err := ParseLenientCall(h)
		if row.form == nil {
			if !errors.Is(err, ErrMalformed) || call != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		if err != nil || !slices.Equal(call.Form, row.form) {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		key := vrnt1Row(t, "V01").key(t)
		if call.SignedBy(key) || NewMACKey(key).Signed(call) {
			t.Errorf("%s: signed, though its form is not strict", row.name)
		}
		if matched, ok := call.SignedAs(key, everything[0]); !ok || !slices.Equal(matched, row.form) {
			t.Errorf("%s: matched %v %v", row.name, matched, ok)
		}
		for i := range row.form {
			if matched, ok := call.SignedAs(key, slices.Delete(slices.Clone(row.form), i, i+1)); ok || matched != nil {
				t.Errorf("%s: let in without %s", row.name, row.form[i])
			}
		}
		if call.Nonce != "oKGio6SlpqeoqaqrrK2urw" || call.KeyID != "tEsTkId1" || !call.Time.Equal(testTime) {
			t.Errorf("%s: call of %s, nonce %s at %s", row.name, call.KeyID, call.Nonce, call.Time)
		}
	}
}
