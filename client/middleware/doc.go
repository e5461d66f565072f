// Package middleware puts a judge of signed calls before an [net/http.Handler].
package middleware
