// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func populate(start, end uintptr)
TEXT ·populate(SB),NOSPLIT,$0-16
	MOVD	start+0(FP), R0
	MOVD	end+8(FP), R1
	SUB	R0, R1, R1
	MOVD	$23, R2			// MADV_POPULATE_WRITE
	MOVD	$233, R8		// madvise
	SVC
	RET

// func data() (start, end uintptr)
TEXT ·data(SB),NOSPLIT,$0-16
	MOVD	$runtime·noptrdata(SB), R0
	MOVD	R0, start+0(FP)
	MOVD	$runtime·end(SB), R0
	MOVD	R0, end+8(FP)
	RET

// func address(p *[2 * pageSize]byte) uintptr
TEXT ·address(SB),NOSPLIT,$0-16
	MOVD	p+0(FP), R0
	MOVD	R0, ret+8(FP)
	RET
