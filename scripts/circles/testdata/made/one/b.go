package one

type b struct{}

func (b) method() int { return c }
