package main

import "syscall"

// childAttributes lets a child die with crash even when that is killed itself,
// and keeps an interrupt at the terminal for crash alone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
