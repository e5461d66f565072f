package one

func fourth[T any](T) { fifth() }
