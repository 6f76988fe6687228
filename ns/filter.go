// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// FilterInstr is one instruction of a seccomp filter, struct sock_filter of
// seccomp(2).
type FilterInstr struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// MaxFilter is how many instructions a filter may have; BPF_MAXINSNS of the kernel.
const MaxFilter = 4096

// filterLog stands before a filter whose refusals are to be logged.
const filterLog = "log "

// filterSize is the size of an instruction in bytes.
const filterSize = 8

// EncodeFilter returns the data of [OpSeccomp]: "log " if refusals are to be
// logged, and the instructions in base64, each as code, jt, jf and k in little
// endian.
func EncodeFilter(filter []FilterInstr, log bool) string {
	var raw []byte
	for _, in := range filter {
		raw = binary.LittleEndian.AppendUint16(raw, in.Code)
		raw = append(raw, in.JT, in.JF)
		raw = binary.LittleEndian.AppendUint32(raw, in.K)
	}
	text := base64.StdEncoding.EncodeToString(raw)
	if log {
		return filterLog + text
	}
	return text
}

// ParseFilter reads what [EncodeFilter] wrote. Whether the program is one that
// the kernel takes is the kernel's to say.
func ParseFilter(data string) (filter []FilterInstr, log bool, err error) {
	text, log := strings.CutPrefix(data, filterLog)
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	switch n := len(raw) / filterSize; {
	case err != nil:
		return nil, false, errors.New("filter is not in base64")
	case n == 0 || len(raw)%filterSize != 0 || n > MaxFilter:
		return nil, false, fmt.Errorf("filter of %d bytes: 1 to %d instructions of %d bytes are the limit", len(raw), MaxFilter, filterSize)
	}
	for ; len(raw) > 0; raw = raw[filterSize:] {
		filter = append(filter, FilterInstr{
			Code: binary.LittleEndian.Uint16(raw), JT: raw[2], JF: raw[3], K: binary.LittleEndian.Uint32(raw[4:]),
		})
	}
	return filter, log, nil
}
