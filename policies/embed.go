// Package policies holds the default policies and their tests.
package policies

import "embed"

// Files are the policies that judge where a site names no folder of its own, common.yaml and the tests among them.
//
//go:embed *.yaml
var Files embed.FS
