// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func populate(start, end uintptr)
TEXT ·populate(SB),NOSPLIT,$0-16
	MOVQ	start+0(FP), DI
	MOVQ	end+8(FP), SI
	SUBQ	DI, SI
	MOVL	$23, DX			// MADV_POPULATE_WRITE
	MOVL	$28, AX			// madvise
	SYSCALL
	RET

// func data() (start, end uintptr)
TEXT ·data(SB),NOSPLIT,$0-16
	LEAQ	runtime·noptrdata(SB), AX
	MOVQ	AX, start+0(FP)
	LEAQ	runtime·end(SB), AX
	MOVQ	AX, end+8(FP)
	RET

// func address(p *[2 * pageSize]byte) uintptr
TEXT ·address(SB),NOSPLIT,$0-16
	MOVQ	p+0(FP), AX
	MOVQ	AX, ret+8(FP)
	RET
