//go:build !unix

package journal

import "fmt"

func fillUp(string) int {
	fmt.Println("SKIP no limit on file sizes")
	return 0
}
