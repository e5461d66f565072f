// Package one has a circle of three files, one of two, and files that are in none.
package one

type a struct{ field int }

func first() int { return b{}.method() + leaf }
