package adopt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// The services and environments of a generated k8s repo.
var (
	generatedServices = []string{"api", "auth", "billing", "catalog", "chat", "front", "geo", "image-proxy", "mail", "notify", "order-api", "payments", "report", "search", "stock", "user-api", "worker"}
	generatedEnvs     = []string{"dev", "staging", "prod"}
)

// generator writes the manifests of a team that copied them by hand, from service to
// service and from environment to environment, and changed the copies since.
type generator struct {
	*rand.Rand
	files map[string]string
}

// generate makes a k8s repo: path → text. The same seed makes the same.
func generate(seed uint64) map[string]string {
	g := &generator{rand.New(rand.NewPCG(seed, 1)), map[string]string{}}
	for i, service := range generatedServices {
		g.service(i, service)
	}
	g.nasty()
	return g.files
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// drift is what one service has differently in one environment.
type drift struct {
	env, service    string
	replicas        int
	memory, cpu     string
	extra           [][2]string // environment variables
	noLiveness      bool
	noReadiness     bool
	timeout         int
	comment, config string
	logLevel        string
}

func (g *generator) service(i int, service string) {
	port := pick(g, 3000, 8080, 8080, 8080, 9000)
	memory := pick(g, "256Mi", "512Mi", "512Mi", "1Gi")
	own := [][2]string{{strings.ToUpper(strings.ReplaceAll(service, "-", "_")) + "_WORKERS", fmt.Sprint(1 + g.IntN(4))}}
	hasHPA, hasIngress, hasConfig, hasJob := g.chance(50), g.chance(60), g.chance(50), g.chance(25)
	for _, env := range generatedEnvs {
		d := drift{env: env, service: service, replicas: 1, memory: memory, cpu: "100m", logLevel: "info", extra: slices.Clone(own)}
		switch env {
		case "dev":
			d.logLevel = "debug"
		case "prod":
			d.replicas, d.memory, d.cpu = pick(g, 2, 3, 3, 6), pick(g, memory, "1Gi", "2Gi"), pick(g, "100m", "500m")
		}
		if g.chance(20) {
			d.extra = append(d.extra, [2]string{pick(g, "FEATURE_NEW_CHECKOUT", "SENTRY_SAMPLE_RATE", "HTTP_PROXY_HOST"), pick(g, "1", "true", "proxy."+env+".internal")})
		}
		d.noLiveness = g.chance(10)
		d.noReadiness = d.noLiveness && g.chance(50)
		if g.chance(15) {
			d.timeout = pick(g, 3, 5, 10)
		}
		if g.chance(15) {
			d.comment = pick(g, "# raised after the incident of "+env, "# ask the platform team", "# see the wiki")
		}
		d.config = g.configLine(env)
		g.put(d, "deployment", g.deployment(i, port, d))
		g.put(d, "service", g.serviceObject(i, port, d))
		if hasHPA && env != "dev" {
			g.put(d, "hpa", g.hpa(d))
		}
		if hasIngress {
			g.put(d, "ingress", g.ingress(port, d))
		}
		if hasConfig {
			g.put(d, "configmap", g.configMap(d))
		}
		if hasJob && env == "prod" {
			g.put(d, "cronjob", g.cronJob(d))
		}
	}
}

func (g *generator) put(d drift, name, text string) {
	g.files[fmt.Sprintf("%s/manifests/%s/%s-%s-%s.yaml", d.env, d.service, d.service, d.env, name)] = text
}

var namespaces = map[string]string{"dev": "dev", "staging": "staging", "prod": "production"}
var domains = map[string]string{"dev": "dev.example.com", "staging": "staging.example.com", "prod": "example.com"}

// tag is what CI deployed last.
func (g *generator) tag() string { return fmt.Sprintf("%07x", g.IntN(1<<28)) }

func (g *generator) deployment(i, port int, d drift) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n  namespace: %s\n  labels:\n    app: %[1]s\n    env: %[3]s", d.service, namespaces[d.env], d.env)
	line("spec:\n  replicas: %d", d.replicas)
	line("  selector:\n    matchLabels:\n      app: %s\n  template:\n    metadata:\n      labels:\n        app: %[1]s\n        env: %[2]s", d.service, d.env)
	line("    spec:\n      serviceAccountName: %s\n      containers:", d.service)
	line("        - name: %s", d.service)
	line("          image: 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/%s-%s:%s", d.service, d.env, g.tag())
	line("          ports:\n            - name: http\n              containerPort: %d", port)
	line("          env:\n            - name: ENVIRONMENT\n              value: %s\n            - name: LOG_LEVEL\n              value: %s", d.env, d.logLevel)
	line("            - name: DATABASE_URL\n              valueFrom:\n                secretKeyRef:\n                  name: %s-database\n                  key: url", d.service)
	for _, e := range d.extra {
		line("            - name: %s\n              value: %q", e[0], e[1])
	}
	if d.comment != "" {
		line("          %s", d.comment)
	}
	line("          resources:\n            requests:\n              cpu: %s\n              memory: %s\n            limits:\n              memory: %[2]s", d.cpu, d.memory)
	probe := func(name string, delay int) {
		line("          %s:\n            httpGet:\n              path: /healthz\n              port: http\n            initialDelaySeconds: %d", name, delay)
		if d.timeout > 0 {
			line("            timeoutSeconds: %d", d.timeout)
		}
	}
	if !d.noReadiness {
		probe("readinessProbe", 5)
	}
	if !d.noLiveness {
		probe("livenessProbe", 30)
	}
	line("      volumes:\n        - name: tmp\n          emptyDir: {}")
	if i%6 == 5 { // an author who writes lists without indentation
		return strings.NewReplacer("\n        - name: "+d.service, "\n      - name: "+d.service).Replace(unindentContainers(b.String()))
	}
	return b.String()
}

// unindentContainers moves the lines of the container to the left.
func unindentContainers(s string) string {
	var out []string
	inside := false
	for _, line := range strings.Split(s, "\n") {
		switch {
		case line == "      containers:":
			inside = true
		case line == "      volumes:":
			inside = false
		case inside:
			line = strings.TrimPrefix(line, "  ")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func (g *generator) serviceObject(i, port int, d drift) string {
	target := "http"
	if i%4 == 3 {
		target = fmt.Sprint(port)
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n  namespace: %s\n  labels: {app: %[1]s, env: %[3]s}\nspec:\n  selector:\n    app: %[1]s\n  ports:\n    - name: http\n      port: 80\n      targetPort: %[4]s\n",
		d.service, namespaces[d.env], d.env, target)
}

func (g *generator) hpa(d drift) string {
	return fmt.Sprintf("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: %[1]s\n  minReplicas: %[3]d\n  maxReplicas: %[4]d\n  metrics:\n    - type: Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n          averageUtilization: %[5]d\n",
		d.service, namespaces[d.env], d.replicas, d.replicas*pick(g, 2, 4), pick(g, 60, 70, 70, 80))
}

func (g *generator) ingress(port int, d drift) string {
	annotations := "    nginx.ingress.kubernetes.io/proxy-body-size: 8m\n"
	if g.chance(20) {
		annotations += "    nginx.ingress.kubernetes.io/proxy-read-timeout: \"120\"\n"
	}
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: %s\n  namespace: %s\n  annotations:\n%sspec:\n  ingressClassName: nginx\n  tls:\n    - hosts:\n        - %[1]s.%[4]s\n      secretName: %[1]s-tls\n  rules:\n    - host: %[1]s.%[4]s\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: %[1]s\n                port:\n                  name: http\n",
		d.service, namespaces[d.env], annotations, domains[d.env])
}

func (g *generator) configLine(env string) string {
	return pick(g, "", "", "cache_ttl = 300\n    ", "cache_ttl = 60\n    ", "[debug]\n    trace = "+fmt.Sprint(env == "dev")+"\n    ")
}

func (g *generator) configMap(d drift) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  namespace: %s\ndata:\n  app.conf: |\n    # Settings of %[1]s.\n    listen = 0.0.0.0\n    base_url = https://%[1]s.%[3]s/\n    %[4]sworkers = %[5]d\n  REGION: ap-northeast-1\n",
		d.service, namespaces[d.env], domains[d.env], d.config, pick(g, 2, 4, 8))
}

func (g *generator) cronJob(d drift) string {
	return fmt.Sprintf("apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: %s-cleanup\n  namespace: %s\nspec:\n  schedule: \"%d %d * * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n          containers:\n            - name: cleanup\n              image: 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/%[1]s-%[5]s:%[6]s\n              args: [cleanup, --older-than, 30d]\n",
		d.service, namespaces[d.env], g.IntN(60), g.IntN(6), d.env, g.tag())
}

// nasty adds what tidy repositories do not have.
func (g *generator) nasty() {
	for _, env := range generatedEnvs {
		ns := namespaces[env]
		put := func(service, name, text string) {
			g.files[fmt.Sprintf("%s/manifests/%s/%s-%s-%s.yaml", env, service, service, env, name)] = text
		}
		put("api", "anchors", fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: api-anchors\n  namespace: %s\n  labels: &labels\n    app: api\n    env: %s\n  annotations: *labels\ndata:\n  a: &a \"%[2]s  \"\n  b: *a\n", ns, env))
		put("auth", "documents", fmt.Sprintf("---\n# The first.\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n    name: auth\n    namespace: %s\n---\n\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: auth-%s, namespace: %[1]s}\ntype: Opaque\nstringData: {}\n...\n", ns, env))
		put("billing", "tabs", fmt.Sprintf("#\tof %s\t\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: billing-tabs   # a name\t\n  namespace: \"%s\"\ndata:\n  table: \"a\\tb\"\n  text: >-\n    folded\n    for %[1]s\n\n    lines\n  keep: |+\n    kept in %[1]s\n\n  last: 'it''s %[1]s'\n", env, ns))
		put("catalog", "windows", strings.ReplaceAll(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: windows\n  namespace: %s\ndata: {a: b}\n", ns), "\n", "\r\n"))
		put("chat", "latin", fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: latin\n  namespace: %s\ndata:\n  a: caf\xe9\n", ns))
		put("geo", "alerts", fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: alerts\n  namespace: %s\ndata:\n  # {{ $labels.pod }} is the pod\n  alert: \"{{ $labels.pod }} in %s is down\"\n  rule: |\n    expr: up{env=%q} == 0\n    text: {{ $value }} of {{ $labels.job }}\n", ns, env, env))
	}
}
