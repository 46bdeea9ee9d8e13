//go:build peer

package peer

// Makes go.mod and go.sum hold what Parca's command needs; built is the command itself.
import _ "github.com/parca-dev/parca/cmd/parca"
