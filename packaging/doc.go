// Package packaging tests the packages that packaging/release makes, and the unit of systemd.
package packaging
