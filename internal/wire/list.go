// SPDX-License-Identifier: Apache-2.0

package wire

// each returns f of every element of in, and nil for an empty list, so that a
// list that is absent is the same on both sides.
func each[T, U any](in []T, f func(T) U) []U {
	if len(in) == 0 {
		return nil
	}
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// texts converts between lists of string types.
func texts[U, T ~string](in []T) []U {
	return each(in, func(s T) U { return U(s) })
}

// nonEmpty returns m, or nil if it is empty.
func nonEmpty[K comparable, V any](m map[K]V) map[K]V {
	if len(m) == 0 {
		return nil
	}
	return m
}
