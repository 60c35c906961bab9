//go:build unix

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// lockDir keeps a second process out of a journal; the kernel lets go of the lock when the process ends, however it ends.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another magpie writes here (%s is locked): stop it, or give this one its own data folder", path)
	}
	return f, nil
}
