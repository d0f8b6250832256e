//go:build !linux

package main

import "syscall"

// childAttributes is nothing special: only Linux lets a child die with its
// parent.
func childAttributes() *syscall.SysProcAttr { return nil }
