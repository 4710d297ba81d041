package main

var environments = []string{"dev", "qa", "staging", "prod"}

func writeRepo(dir string, services int, envs []string) (int, error) { return 0, nil }
