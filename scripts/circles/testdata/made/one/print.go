package one

var _ = first() + third(struct{ a }{}) + leaf

func init() { fifth() }
