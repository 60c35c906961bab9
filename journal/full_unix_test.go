//go:build unix

package journal

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fillUp appends until the kernel's limit on file sizes refuses, raises the limit, and appends once more.
func fillUp(dir string) int {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		fmt.Println("SKIP", err)
		return 0
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 50_000, Max: was.Max}); err != nil {
		fmt.Println("SKIP", err)
		return 0
	}
	var acked, failed, hooked int
	j, err := Open(dir, Options{Now: time.Now, Sync: time.Microsecond, Hooks: Hooks{Failed: func(lines int, err error) { hooked += lines }}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	one := func() {
		var wait sync.WaitGroup
		wait.Add(1)
		j.Append(Line{Topic: "t", Payload: []byte(`"` + strings.Repeat("x", 1000) + `"`)}, func(_ int64, err error) {
			if err != nil {
				failed++
			} else {
				acked++
			}
			wait.Done()
		})
		wait.Wait()
	}
	for failed < 3 {
		one()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		fmt.Println(err)
		return 1
	}
	one()
	if failed != 3 {
		fmt.Println("with room again it still fails")
		return 1
	}
	if err := j.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Fprintln(os.Stdout, "acked", acked, "failed", failed, "hooked", hooked)
	return 0
}
