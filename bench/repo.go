package main

import (
	"bufio"
	"fmt"
)

// environments of a plain k8s repo, with 6 files of each service in each.
var environments = []string{"dev", "qa", "staging", "prod"}

// kinds of files that a service has, and what they begin with.
var kinds = []struct{ name, apiVersion, kind string }{
	{"deployment", "apps/v1", "Deployment"},
	{"service", "v1", "Service"},
	{"ingress", "networking.k8s.io/v1", "Ingress"},
	{"config-map", "v1", "ConfigMap"},
	{"hpa", "autoscaling/v2", "HorizontalPodAutoscaler"},
	{"pdb", "policy/v1", "PodDisruptionBudget"},
}

// proxy is the image of a sidecar that every Deployment has.
const proxy = registry + "/proxy"

func serviceName(i int) string { return fmt.Sprintf("service-%04d", i) }

// writeRepo makes a k8s repo that nobody rendered, as most are, and returns how many
// files it has.
func writeRepo(dir string, services int, envs []string) (files int, err error) {
	to := newFolder(dir)
	eachManifest(services, envs, func(path string, write func(w *bufio.Writer)) {
		to.create(path, write)
		files++
	})
	return files, to.err
}

// eachManifest calls use for every file of a k8s repo.
func eachManifest(services int, envs []string, use func(path string, write func(w *bufio.Writer))) {
	for _, env := range envs {
		for i := range services {
			name := serviceName(i)
			for _, k := range kinds {
				use(fmt.Sprintf("%s/manifests/%s/%s-%s-%s.yaml", env, name, name, env, k.name), func(w *bufio.Writer) {
					printf(w, "apiVersion: %s\nkind: %s\n", k.apiVersion, k.kind)
					printf(w, "metadata:\n  name: %s\n  namespace: %s\n  labels:\n    app.kubernetes.io/name: %s\n    app.kubernetes.io/part-of: %s\n", name, env, name, env)
					writeBody(w, k.kind, name, env)
				})
			}
		}
	}
}

// writeDeployments makes a repo of one environment that has nothing but
// Deployments, in folders of ten.
func writeDeployments(dir string, files int) error {
	to := newFolder(dir)
	for i := range files {
		name := serviceName(i)
		to.create(fmt.Sprintf("dev/manifests/%s/%s-dev-deployment.yaml", serviceName(i/10), name), func(w *bufio.Writer) {
			printf(w, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n  namespace: dev\n", name)
			writeBody(w, "Deployment", name, "dev")
		})
	}
	return to.err
}

func writeBody(w *bufio.Writer, kind, name, env string) {
	switch kind {
	case "Deployment":
		printf(w, "spec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: %s\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: %s\n    spec:\n      serviceAccountName: %s\n      containers:\n", name, name, name)
		writeContainer(w, name, registry+"/"+name, 8080, env)
		writeContainer(w, "proxy", proxy, 15001, env)
	case "Service":
		printf(w, "spec:\n  selector:\n    app.kubernetes.io/name: %s\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n", name)
	case "Ingress":
		printf(w, "spec:\n  ingressClassName: alb\n  rules:\n    - host: %s.%s.example.com\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: %s\n                port:\n                  name: http\n", name, env, name)
	case "ConfigMap":
		printf(w, "data:\n  LOG_LEVEL: info\n  PUBLIC_URL: https://%s.%s.example.com/\n  settings.yaml: |\n    # What %s reads at its start.\n    cache: true\n    workers: 4\n", name, env, name)
	case "HorizontalPodAutoscaler":
		printf(w, "spec:\n  minReplicas: 2\n  maxReplicas: 8\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: %s\n  metrics:\n    - type: Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n          averageUtilization: 70\n", name)
	case "PodDisruptionBudget":
		printf(w, "spec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: %s\n", name)
	}
}

func writeContainer(w *bufio.Writer, name, image string, port int, env string) {
	printf(w, `        - name: %s
          image: %s:1f0c9ae
          ports:
            - name: http
              containerPort: %d
          env:
            - name: ENVIRONMENT
              value: %s
            - name: LOG_LEVEL
              value: info # quiet
          envFrom:
            - configMapRef:
                name: %s
          readinessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 5
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 10
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
`, name, image, port, env, name)
}
