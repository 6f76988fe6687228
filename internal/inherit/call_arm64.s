// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func call(nr uintptr, a, b uintptr, c, d unsafe.Pointer) int64
TEXT ·call(SB),NOSPLIT,$0-48
	MOVD	nr+0(FP), R8
	MOVD	a+8(FP), R0
	MOVD	b+16(FP), R1
	MOVD	c+24(FP), R2
	MOVD	d+32(FP), R3
	MOVD	ZR, R4
	SVC
	MOVD	R0, ret+40(FP)
	RET
