package one

import "fmt"

func fifth() { fourth(fmt.Sprint(leaf)) }
