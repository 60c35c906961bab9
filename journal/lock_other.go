//go:build !unix

package journal

import "os"

// lockDir opens the lock file; on these systems nothing keeps a second process out.
func lockDir(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
