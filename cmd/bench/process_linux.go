package main

import "syscall"

// childAttributes lets a child die with bench even when that is killed, and
// keeps an interrupt at the terminal for bench alone, which ends its children in
// order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
