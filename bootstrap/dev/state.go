package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// state is the folder of the server of one port: its files, everybody's token, and the file to source.
type state struct {
	dir  string
	lock *os.File
}

// claim takes the folder of a port, below root, for this process alone, and empties it of what a server that was killed
// has left. Where another process has it, that is [devserver.ErrPortTaken].
func claim(root string, port int) (*state, error) {
	dir := filepath.Join(root, strconv.Itoa(port))
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	// The lock lies beside the folder, as the folder goes and comes. It ends with the process, however that ends.
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another development server has %d", devserver.ErrPortTaken, port)
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700))
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &state{dir, lock}, nil
}

// release removes the folder, and lets another server have it.
func (s *state) release() error { return errors.Join(os.RemoveAll(s.dir), s.lock.Close()) }
