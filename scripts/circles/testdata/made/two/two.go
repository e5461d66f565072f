// Package two has no circle, but its folder uses one that uses it.
package two

import "made/up/three/inner"

// Two is used.
const Two = inner.Inner
