package signing

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// lower maps A-Z only. The strings and bytes packages fold by Unicode, where the Kelvin sign equals 'k', so
// signer and verifier could disagree.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func appendLower(dst []byte, s string) []byte {
	n := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[n:] {
		dst[n+i] = lower(c)
	}
	return dst
}

func equalFold(a, b string) bool {
	return len(a) == len(b) && (a == b || compareFold(a, b) == 0)
}

// compareFold compares a and b by their lower-cased bytes.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}
