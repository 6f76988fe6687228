// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxFile is how many bytes nsrun takes from the source of one [OpFile].
const MaxFile = 16 << 20

// The beginnings of a source that is no path.
const (
	fdPrefix  = "fd:"
	envPrefix = "env:"
)

// Source says where nsrun finds the content of an [OpFile]: in something that
// its caller gave it. Exactly one of the fields is set, FD being -1 otherwise.
type Source struct {
	// FD is a descriptor that nsrun was started with.
	FD int
	// Env is the name of a variable of nsrun's environment.
	Env string
	// Path is an absolute path of the host.
	Path string
}

// ParseSource reads "fd:N", "env:NAME" or an absolute path.
func ParseSource(text string) (Source, error) {
	if number, ok := strings.CutPrefix(text, fdPrefix); ok {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != number {
			return Source{FD: -1}, fmt.Errorf("not the number of a descriptor: %s", quote(text))
		}
		return Source{FD: int(n)}, nil
	}
	if name, ok := strings.CutPrefix(text, envPrefix); ok {
		if !envName(name) {
			return Source{FD: -1}, fmt.Errorf("not the name of a variable: %s", quote(text))
		}
		return Source{FD: -1, Env: name}, nil
	}
	if !strings.HasPrefix(text, "/") {
		return Source{FD: -1}, fmt.Errorf("not a source, which is fd:N, env:NAME or an absolute path: %s", quote(text))
	}
	return Source{FD: -1, Path: text}, nil
}

// String returns the source as ParseSource reads it.
func (s Source) String() string {
	switch {
	case s.Env != "":
		return envPrefix + s.Env
	case s.Path != "":
		return s.Path
	}
	return fdPrefix + strconv.Itoa(s.FD)
}
