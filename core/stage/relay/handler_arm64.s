// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The kernel calls handler on the signal stack of a thread, with the number of
// the signal in R0 and its siginfo_t in R1. It may change any register, since
// rt_sigreturn(2) restores them. It returns to the kernel's own restorer.
TEXT ·handler(SB),NOSPLIT|NOFRAME,$0
	MOVD	$·chain(SB), R9
	MOVWU	R0, R10
	MOVD	(R9)(R10<<3), R9
	CBZ	R9, relay
	MOVW	8(R1), R11	// si_code
	CMPW	$0, R11
	BGT	pass
	MOVW	16(R1), R11	// si_pid
	MOVW	·self(SB), R12
	CMPW	R12, R11
	BNE	relay
pass:
	JMP	(R9)
relay:
	MOVW	·pipe(SB), R0
	MOVD	$128, R2	// sizeof(siginfo_t)
	MOVD	$64, R8		// write
	SVC
	RET

// func addresses() (handler, restorer uint64)
TEXT ·addresses(SB),NOSPLIT,$0-16
	MOVD	$·handler(SB), R0
	MOVD	R0, handler+0(FP)
	MOVD	ZR, restorer+8(FP)
	RET
