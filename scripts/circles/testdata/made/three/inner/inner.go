// Package inner is used.
package inner

// Inner is used.
const Inner = 1
