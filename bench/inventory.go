package main

import (
	"bufio"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// The environments and templates of the inventory, and the templates of the
// chart, which print the same documents.
//
//go:embed inventory chart
var sources embed.FS

// servicesEach is how many services a user has; the templates make 4 manifests of each.
const servicesEach = 3

// catalogue are the services that users choose from.
var catalogue = []struct {
	name string
	port int
}{
	{"api", 8080}, {"front", 3000}, {"search", 9200}, {"auth", 8081}, {"billing", 8082}, {"catalog", 8083},
	{"gateway", 8443}, {"images", 8084}, {"mail", 2525}, {"orders", 8085}, {"reports", 8086}, {"webhooks", 8087},
}

var teams = []string{"data", "discovery", "growth", "infra", "mobile", "payments", "platform", "web"}

const registry = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"

// copySources copies an embedded folder.
func copySources(from string, to *folder) {
	err := fs.WalkDir(sources, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := sources.ReadFile(name)
		to.create(strings.TrimPrefix(name, from+"/"), func(w *bufio.Writer) { w.Write(data) })
		return err
	})
	to.err = firstError(to.err, err)
}

// writeInventory makes the source folder of manifestgen. Each user is in each environment.
func writeInventory(dir string, users, envs int) error {
	to := newFolder(dir)
	copySources("inventory", to)
	for n := 2; n <= envs; n++ {
		to.create(fmt.Sprintf("environments/sandbox-%d.yaml", n), func(w *bufio.Writer) {
			printf(w, "extends: sandbox\nnamespace: sandbox-%d\ndomain: sandbox-%d.example.com\ncluster: sandbox-%d\n", n, n, n)
		})
	}
	to.create("users.yaml", func(w *bufio.Writer) {
		printf(w, "teams:\n")
		for _, team := range teams {
			printf(w, "  - name: %s\n", team)
		}
		printf(w, "services:\n")
		for i, s := range catalogue {
			printf(w, "  - name: %s\n    image: %s/%s\n    tag: %07x\n    port: %d\n", s.name, registry, s.name, 0x1f0c9ae+i, s.port)
			printf(w, "    vars:\n      replicas: %d\n      health_path: /%s/healthz\n      env: {LOG_LEVEL: info, UPSTREAM: http://%s.internal/}\n", 1+i%3, s.name, s.name)
		}
		printf(w, "users:\n")
		eachUser(users, func(name, team string, services []string, debug bool) {
			printf(w, "  - name: %s\n    mission_type: %s\n    services: [%s]\n", name, team, strings.Join(services, ", "))
			if debug {
				printf(w, "    vars:\n      env: {LOG_LEVEL: debug}\n")
			}
		})
	})
	return to.err
}

// writeChart makes a chart whose templates print what the inventory renders.
func writeChart(dir string, users int) error {
	to := newFolder(dir)
	copySources("chart", to)
	to.create("values.yaml", func(w *bufio.Writer) {
		printf(w, "env: {name: sandbox, namespace: sandbox, domain: sandbox.example.com}\n")
		printf(w, "defaults:\n  grace_seconds: 45\n  env: {}\n  resources:\n    requests: {cpu: 50m, memory: 128Mi}\n    limits: {memory: 256Mi}\n")
		printf(w, "services:\n")
		for i, s := range catalogue {
			printf(w, "  %s:\n    name: %s\n    image: %s/%s\n    tag: %07x\n    port: %d\n", s.name, s.name, registry, s.name, 0x1f0c9ae+i, s.port)
			printf(w, "    replicas: %d\n    health_path: /%s/healthz\n    env: {LOG_LEVEL: info, UPSTREAM: http://%s.internal/}\n", 1+i%3, s.name, s.name)
		}
		printf(w, "users:\n")
		eachUser(users, func(name, team string, services []string, debug bool) {
			env := "{}"
			if debug {
				env = "{LOG_LEVEL: debug}"
			}
			printf(w, "  - {name: %s, team: %s, services: [%s], env: %s}\n", name, team, strings.Join(services, ", "), env)
		})
	})
	return to.err
}

// eachUser calls use for every user. One in ten has a variable of their own.
func eachUser(users int, use func(name, team string, services []string, debug bool)) {
	for i := range users {
		services := make([]string, servicesEach)
		for s := range services {
			services[s] = catalogue[(i+s*(1+i%3))%len(catalogue)].name
		}
		use(fmt.Sprintf("user-%05d", i), teams[i%len(teams)], services, i%10 == 0)
	}
}
