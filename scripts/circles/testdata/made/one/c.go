package one

const c = 1

func third(it struct{ a }) int { return it.field }
