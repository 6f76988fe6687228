// SPDX-License-Identifier: Apache-2.0

// Package machine clones the child and is what runs in it: it receives a
// program, carries it out, and ends in execve(2) or as an init.
//
// The child is a fork of a Go process of which only one thread is left. It must
// not allocate, grow its stack, take a lock or meet the garbage collector, so
// everything that runs in it is nosplit, works on the arena, and calls the
// kernel directly. Files of that kind start with "In the child".
//
//	front                                   child
//	  clone ------------------------------>   dies with the front from here on
//	                                          reads the program's pipe
//	  hooks of the plugins                    (blocked; end of file: exit)
//	  image of the program ---------------->  system calls, one after the other
//	  reads the report's pipe
//	     <---------------- instruction, errno   if one fails, then exit
//	     <---------------- end of file          if execve(2) closed the pipe
//	  keeps the program's pipe open           init, if there is one, has closed both
//
// A survivor is such a child too, one that does not die with the front: it waits
// for the end of the program's pipe.
package machine
