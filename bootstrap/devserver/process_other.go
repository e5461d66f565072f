//go:build !linux

package devserver

import "syscall"

// ownGroup puts the server and its plugins in a process group of their own, so that Ctrl-C reaches us alone and we stop
// them in order.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
