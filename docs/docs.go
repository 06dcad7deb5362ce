// Package docs holds the documents that tests compare the program with.
package docs

import _ "embed"

// Accuracy is accuracy.md.
//
//go:embed accuracy.md
var Accuracy string
