// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func madvise(start, end, advice uintptr)
TEXT ·madvise(SB),NOSPLIT,$0-24
	MOVD	start+0(FP), R0
	MOVD	end+8(FP), R1
	SUB	R0, R1, R1
	MOVD	advice+16(FP), R2
	MOVD	$233, R8		// madvise
	SVC
	RET

// func segments() (code, variables uintptr)
TEXT ·segments(SB),NOSPLIT,$0-16
	MOVD	$runtime·text(SB), R0
	MOVD	R0, code+0(FP)
	MOVD	$runtime·noptrdata(SB), R0
	MOVD	R0, variables+8(FP)
	RET

// func address(p *[2 * pageSize]byte) uintptr
TEXT ·address(SB),NOSPLIT,$0-16
	MOVD	p+0(FP), R0
	MOVD	R0, ret+8(FP)
	RET
