// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func getOpenFiles(limit *rlimit) int64
TEXT ·getOpenFiles(SB),NOSPLIT,$0-16
	MOVD	ZR, R0			// this process
	MOVD	$7, R1			// RLIMIT_NOFILE
	MOVD	ZR, R2			// set nothing
	MOVD	limit+0(FP), R3
	MOVD	$261, R8		// prlimit64
	SVC
	MOVD	R0, ret+8(FP)
	RET
