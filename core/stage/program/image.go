// SPDX-License-Identifier: Apache-2.0

package program

import (
	"encoding/binary"
	"unsafe"
)

// Header starts an image. The instructions follow, then the registers, then the
// data.
type Header struct {
	Magic  uint64
	Size   uint64 // of the image in bytes, header included
	Instrs uint64 // number of instructions
	Regs   uint64 // offset of the registers
}

// Magic is the first word of every image.
const Magic = 0x6e7372756e_0001 // "nsrun", version 1

// Word is an instruction as it stands in an image.
type Word struct {
	Op       Op
	Full     uint8
	InRegs   uint16 // bit i says that Args[i] is the number of a register
	Save     Reg
	Log      Reg
	Nr       uint32
	Else     uint32
	Tolerate [MaxTolerated]uint16
	Args     [6]uint64
}

// Size returns the size of the program's image in bytes.
func (p *Program) Size() int { return p.dataOffset() + len(p.data) }

func (p *Program) regsOffset() int {
	return int(unsafe.Sizeof(Header{})) + len(p.Instrs)*int(unsafe.Sizeof(Word{}))
}

func (p *Program) dataOffset() int { return p.regsOffset() + 8*max(p.regs, 1) }

// Image returns the program as it must stand in memory at the address base.
func (p *Program) Image(base uintptr) []byte {
	image := make([]byte, p.Size())
	*(*Header)(unsafe.Pointer(&image[0])) = Header{
		Magic: Magic, Size: uint64(len(image)),
		Instrs: uint64(len(p.Instrs)), Regs: uint64(p.regsOffset()),
	}
	data := uint64(base) + uint64(p.dataOffset())
	p.encode(image[unsafe.Sizeof(Header{}):p.regsOffset()], data)
	copy(image[p.dataOffset():], p.data)
	for _, at := range p.relocs {
		word := image[p.dataOffset()+at:]
		binary.NativeEndian.PutUint64(word, data+binary.NativeEndian.Uint64(word))
	}
	return image
}

// encode writes the instructions to code, for data that stands at the address data.
func (p *Program) encode(code []byte, data uint64) {
	if len(p.Instrs) == 0 {
		return
	}
	words := unsafe.Slice((*Word)(unsafe.Pointer(&code[0])), len(p.Instrs))
	for i := range p.Instrs {
		p.Instrs[i].encode(&words[i], data)
	}
}

func (i *Instr) encode(w *Word, data uint64) {
	*w = Word{Op: i.Op, Full: i.Full, Save: i.Save, Log: i.Log, Nr: uint32(i.Nr), Else: uint32(i.Else)}
	for k, errno := range i.Tolerate {
		w.Tolerate[k] = uint16(errno)
	}
	for k, arg := range i.Args {
		w.Args[k] = arg.value
		switch arg.kind {
		case register:
			w.InRegs |= 1 << k
		case address:
			w.Args[k] += data
		}
	}
}
