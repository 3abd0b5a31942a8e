package main

import "os/exec"

func group(*exec.Cmd) {}
