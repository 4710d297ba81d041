package main

import (
	"flag"
	"testing"

	"k8srepo/internal/scripttest"
)

var update = flag.Bool("update", false, "write what the commands say into the scripts")

func TestMain(m *testing.M) { scripttest.Main(m, "tagbump", main) }

// TestScripts runs testdata/script/tagbump: sessions of the command.
func TestScripts(t *testing.T) {
	scripttest.Run(t, scripttest.Params{
		Folder: "../../testdata/script/tagbump",
		Name:   "tagbump",
		Run:    run,
		Update: *update,
		Cmds:   map[string]scripttest.Script{"gitserver": gitServer(t), "gitserve": gitServe(t), "service": service(t), "commit": commit},
	})
}
