// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func entry()
//
// There is neither a stack of Go's nor a g here, and what the kernel put on the
// stack is the runtime's. A call that fails leaves things as they are.
TEXT ·entry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	$30, DI			// PR_GET_TIMERSLACK
	MOVL	$157, AX		// prctl
	SYSCALL
	CMPQ	AX, $0
	JLE	processors
	MOVQ	AX, ·given+attributes_slack(SB)
	MOVL	$const_setTimerSlack, DI
	MOVL	$const_timerSlack, SI
	MOVL	$157, AX		// prctl
	SYSCALL

processors:
	XORL	DI, DI			// this thread
	MOVL	$1024, SI
	LEAQ	·given+attributes_processors(SB), DX
	MOVL	$204, AX		// sched_getaffinity
	SYSCALL
	CMPQ	AX, $0
	JLE	files
	MOVQ	AX, ·given+attributes_size(SB)
	LEAQ	·lent+attributes_processor(SB), DI
	XORL	SI, SI
	MOVL	$309, AX		// getcpu
	SYSCALL
	MOVL	·lent+attributes_processor(SB), AX
	BTSQ	AX, ·lent+attributes_processors(SB)
	XORL	DI, DI
	MOVQ	·given+attributes_size(SB), SI
	LEAQ	·lent+attributes_processors(SB), DX
	MOVL	$203, AX		// sched_setaffinity
	SYSCALL

files:
	XORL	DI, DI
	MOVL	$const_openFilesLimit, SI
	XORL	DX, DX
	LEAQ	·given+attributes_openFiles(SB), R10
	MOVL	$302, AX		// prlimit64
	SYSCALL
	TESTQ	AX, AX
	JNE	start
	MOVQ	·given+(attributes_openFiles+rlimit_hard)(SB), AX
	MOVQ	AX, ·lent+(attributes_openFiles+rlimit_hard)(SB)
	MOVQ	$3, ·lent+(attributes_openFiles+rlimit_soft)(SB)
	XORL	DI, DI
	MOVL	$const_openFilesLimit, SI
	LEAQ	·lent+attributes_openFiles(SB), DX
	XORL	R10, R10
	MOVL	$302, AX		// prlimit64
	SYSCALL

start:
	JMP	_rt0_amd64_linux(SB)
