// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"reflect"
)

// joinType is what errors.Join returns. Other errors that unwrap to several are
// one problem with several reasons.
var joinType = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// flatten returns the errors that errors.Join joined into err.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if reflect.TypeOf(err) != joinType {
		return []error{err}
	}
	var all []error
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
