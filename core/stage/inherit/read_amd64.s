// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func getOpenFiles(limit *rlimit) int64
TEXT ·getOpenFiles(SB),NOSPLIT,$0-16
	MOVL	$0, DI			// this process
	MOVL	$7, SI			// RLIMIT_NOFILE
	MOVL	$0, DX			// set nothing
	MOVQ	limit+0(FP), R10
	MOVL	$302, AX		// prlimit64
	SYSCALL
	MOVQ	AX, ret+8(FP)
	RET
