// Package k8srepo holds the starter: the inventory and the templates that a k8s repo
// begins with, which are this repository's own.
package k8srepo

import "embed"

// Starter is users.yaml, environments/, templates/ and .gitattributes.
//
//go:embed users.yaml environments all:templates .gitattributes
var Starter embed.FS
