// Package shell holds the tests of shell scripts that need no server. Each runs in a folder that is made for it.
package shell
