package main

func benchEdit(args []string) error { return nil }
