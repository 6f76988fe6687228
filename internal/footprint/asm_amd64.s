// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func madvise(start, end, advice uintptr)
TEXT ·madvise(SB),NOSPLIT,$0-24
	MOVQ	start+0(FP), DI
	MOVQ	end+8(FP), SI
	SUBQ	DI, SI
	MOVQ	advice+16(FP), DX
	MOVL	$28, AX			// madvise
	SYSCALL
	RET

// func segments() (code, variables uintptr)
TEXT ·segments(SB),NOSPLIT,$0-16
	LEAQ	runtime·text(SB), AX
	MOVQ	AX, code+0(FP)
	LEAQ	runtime·noptrdata(SB), AX
	MOVQ	AX, variables+8(FP)
	RET

// func address(p *[2 * pageSize]byte) uintptr
TEXT ·address(SB),NOSPLIT,$0-16
	MOVQ	p+0(FP), AX
	MOVQ	AX, ret+8(FP)
	RET
