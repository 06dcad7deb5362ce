// Package privileges tests the built program as users with few privileges, and after it has dropped
// those that it does not need: what the threads of the process have, what is still traced and written,
// and what a command of the user gets. docs/security.md names its tests.
package privileges
