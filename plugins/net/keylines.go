// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// keyLines says on which line of a JSON text each key stands, by its path:
// "plugins[0].ipam.type".
type keyLines map[string]int

// findKeys reads a JSON text. What comes after a syntax error isn't found.
func findKeys(text []byte) keyLines {
	k := keyFinder{text: text, dec: json.NewDecoder(bytes.NewReader(text)), lines: keyLines{}}
	k.value("")
	return k.lines
}

// keyFinder walks through a JSON text token by token.
type keyFinder struct {
	text  []byte
	dec   *json.Decoder
	lines keyLines
}

// value takes one value, whose path is path. It reports whether it was whole.
func (k *keyFinder) value(path string) bool {
	token, err := k.dec.Token()
	if err != nil {
		return false
	}
	if _, noted := k.lines[path]; !noted {
		k.lines[path] = lineAt(k.text, k.dec.InputOffset())
	}
	switch token {
	case json.Delim('{'):
		return k.object(path)
	case json.Delim('['):
		return k.array(path)
	}
	return true
}

func (k *keyFinder) object(path string) bool {
	for k.dec.More() {
		key, err := k.dec.Token()
		if err != nil {
			return false
		}
		inner := join(path, key.(string))
		k.lines[inner] = lineAt(k.text, k.dec.InputOffset())
		if !k.value(inner) {
			return false
		}
	}
	_, err := k.dec.Token()
	return err == nil
}

func (k *keyFinder) array(path string) bool {
	for i := 0; k.dec.More(); i++ {
		if !k.value(path + "[" + strconv.Itoa(i) + "]") {
			return false
		}
	}
	_, err := k.dec.Token()
	return err == nil
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lineAt returns the number of the line that the byte before offset is on.
func lineAt(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + bytes.Count(text[:offset], []byte("\n"))
}
