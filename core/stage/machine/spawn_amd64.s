// SPDX-License-Identifier: Apache-2.0

//go:build !race

#include "textflag.h"

// func cloneOnto(c *control, nr, a, b, d, e, f uintptr) int
TEXT ·cloneOnto(SB),NOSPLIT,$0-64
	MOVQ	c+0(FP), R12	// kept by the kernel, as all but AX, CX and R11
	MOVQ	nr+8(FP), AX
	MOVQ	a+16(FP), DI
	MOVQ	b+24(FP), SI
	MOVQ	d+32(FP), DX
	MOVQ	e+40(FP), R10
	MOVQ	f+48(FP), R8
	SYSCALL
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, ret+56(FP)
	RET
child:
	// The stack is empty, and nothing above it may be touched.
	SUBQ	$64, SP
	MOVQ	R12, 0(SP)
	// By register, since the linker adds up the stacks of direct calls, and
	// takes this for a recursion without an end.
	LEAQ	·resume(SB), AX
	CALL	AX
	INT	$3

// func programCounter() uintptr
TEXT ·programCounter(SB),NOSPLIT,$0-8
	LEAQ	·cloneOnto(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
