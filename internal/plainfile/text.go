// SPDX-License-Identifier: Apache-2.0

package plainfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// ReadText returns the content of the file at path that a person or a tool is to have
// written: a regular file of at most max bytes, in UTF-8. Nothing else makes it wait:
// a named pipe would until somebody writes, and a device has no end. The error is an
// *os.PathError.
func ReadText(path string, max int64) ([]byte, error) {
	f, err := Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &os.PathError{Op: "read", Path: path, Err: unix.EISDIR}
	case !info.Mode().IsRegular():
		return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("it is not a regular file")}
	case info.Size() > max:
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d bytes", max)}
	}
	text, err := ReadAll(f)
	if err == nil && !utf8.Valid(text) {
		err = &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("line %d is not UTF-8", invalidLine(text))}
	}
	return text, err
}

// invalidLine returns the number of the first line that is not UTF-8.
func invalidLine(text []byte) int {
	number := 0
	for line := range bytes.Lines(text) {
		if number++; !utf8.Valid(line) {
			break
		}
	}
	return number
}
