// Package outer uses what uses its neighbour.
package outer

import "made/up/two"

// Outer is not used.
const Outer = two.Two
