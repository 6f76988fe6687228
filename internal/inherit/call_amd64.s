// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func call(nr uintptr, a, b uintptr, c, d unsafe.Pointer) int64
TEXT ·call(SB),NOSPLIT,$0-48
	MOVQ	nr+0(FP), AX
	MOVQ	a+8(FP), DI
	MOVQ	b+16(FP), SI
	MOVQ	c+24(FP), DX
	MOVQ	d+32(FP), R10
	XORL	R8, R8
	SYSCALL
	MOVQ	AX, ret+40(FP)
	RET
