// SPDX-License-Identifier: Apache-2.0

//go:build !race

#include "textflag.h"

// func cloneOnto(c *control, nr, a, b, d, e, f uintptr) int
TEXT ·cloneOnto(SB),NOSPLIT,$0-64
	MOVD	c+0(FP), R19	// kept by the kernel, as all but R0
	MOVD	nr+8(FP), R8
	MOVD	a+16(FP), R0
	MOVD	b+24(FP), R1
	MOVD	d+32(FP), R2
	MOVD	e+40(FP), R3
	MOVD	f+48(FP), R4
	SVC
	CBZ	R0, child
	MOVD	R0, ret+56(FP)
	RET
child:
	// The stack is empty, and nothing above it may be touched.
	SUB	$64, RSP
	MOVD	R19, 8(RSP)
	// By register, since the linker adds up the stacks of direct calls, and
	// takes this for a recursion without an end.
	MOVD	$·resume(SB), R9
	CALL	(R9)
	BRK

// func programCounter() uintptr
TEXT ·programCounter(SB),NOSPLIT,$0-8
	MOVD	$·cloneOnto(SB), R0
	MOVD	R0, ret+0(FP)
	RET
