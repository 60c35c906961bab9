// Package policies holds the default policies and their tests.
package policies

import "embed"

// Files are the policies that judge where a site names no folder of its own, common.yaml and the tests among them, and in
// testdata the shops that the tests are played in.
//
//go:embed *.yaml testdata
var Files embed.FS
