// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The kernel calls handler on the signal stack of a thread, with the number of
// the signal in DI and its siginfo_t in SI. It may change any register, since
// rt_sigreturn(2) restores them.
TEXT ·handler(SB),NOSPLIT|NOFRAME,$0
	MOVLQSX	DI, CX
	LEAQ	·chain(SB), AX
	MOVQ	(AX)(CX*8), AX
	TESTQ	AX, AX
	JEQ	relay
	CMPL	8(SI), $0	// si_code
	JGT	pass
	MOVL	16(SI), CX	// si_pid
	CMPL	CX, ·self(SB)
	JNE	relay
pass:
	JMP	AX
relay:
	MOVL	·pipe(SB), DI
	MOVL	$128, DX	// sizeof(siginfo_t)
	MOVL	$1, AX		// write
	SYSCALL
	RET

TEXT ·restorer(SB),NOSPLIT|NOFRAME,$0
	MOVL	$15, AX		// rt_sigreturn
	SYSCALL
	INT	$3

// func addresses() (handler, restorer uint64)
TEXT ·addresses(SB),NOSPLIT,$0-16
	LEAQ	·handler(SB), AX
	MOVQ	AX, handler+0(FP)
	LEAQ	·restorer(SB), AX
	MOVQ	AX, restorer+8(FP)
	RET
