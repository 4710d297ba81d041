package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
)

// podExample returns a Deployment whose container has more to say.
func podExample(container string) string {
	return strings.TrimPrefix(deployment, "---\n") + container
}

var envTwice = &Rule{
	Code:  "MG631",
	Title: "an environment variable that is set twice",
	Reason: "A container sets a variable twice, and the later value wins. For the kinds of Kubernetes itself the API server's server-side apply refuses this, and MG507 says so; for custom\n" +
		"kinds such as Rollout nothing does.",
	Source: "https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy",
	Wrong: `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: example/api:1.4
          env:
            - {name: LOG_LEVEL, value: info}
            - {name: LOG_LEVEL, value: debug}`,
	Mend: []string{"            - {name: LOG_LEVEL, value: info}\n", ""},
	object: func(r *reading) {
		if builtInGroups[r.o.Group] {
			return
		}
		for _, c := range r.containers() {
			seen := map[string]bool{}
			for _, env := range c.v.At("env").Items {
				name := env.At("name")
				if seen[name.Text] {
					r.add(name.Place, "%q is set twice in the container %q", name.Text, c.v.At("name").Text).hint = "remove one of the two; the later one wins"
				}
				seen[name.Text] = true
			}
		}
	},
}

var probePort = &Rule{
	Code:   "MG632",
	Title:  "a probe of a port that the container does not have",
	Error:  true,
	Reason: "A probe or a hook names a port, and its container has no port of this name. The probe fails always: the pods never become ready, or are restarted without end.",
	Source: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
	Wrong:  podExample("          readinessProbe: {httpGet: {path: /healthz, port: web}}\n"),
	Mend:   []string{"port: web", "port: http"},
	object: func(r *reading) {
		for _, c := range r.containers() {
			var names []string
			for _, port := range c.v.At("ports").Items {
				names = append(names, port.At("name").Text)
			}
			for _, path := range [][]string{{"livenessProbe", "httpGet"}, {"readinessProbe", "httpGet"}, {"startupProbe", "httpGet"}, {"livenessProbe", "tcpSocket"},
				{"readinessProbe", "tcpSocket"}, {"startupProbe", "tcpSocket"}, {"lifecycle", "preStop", "httpGet"}, {"lifecycle", "postStart", "httpGet"}} {
				port := c.v.At(path...).At("port")
				if port.Text != "" && !isNumber(port.Text) && !isPlaceholder(port.Text) && !slices.Contains(names, port.Text) {
					r.add(port.Place, strings.Join(path, ".")+".port: the container %q has no port %q", c.v.At("name").Text, port.Text).suggest(port.Text, names)
				}
			}
		}
	},
}

var gracePeriod = &Rule{
	Code:  "MG633",
	Title: "a preStop hook that takes the whole grace period",
	Reason: "A pod has `terminationGracePeriodSeconds` (30 unless set) to stop, and its preStop hook is part of that time. A hook that sleeps as long leaves the program no time: it is\n" +
		"killed while it answers requests. The same goes for a probe with a shorter grace period of its own. Set the period to the sleep and what the program needs to finish.",
	Source: "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-execution",
	Wrong:  podExample("          lifecycle: {preStop: {exec: {command: [sleep, \"30\"]}}}\n"),
	Mend:   []string{`"30"`, `"10"`},
	object: func(r *reading) {
		grace, set := intOf(r.podSpec.At("terminationGracePeriodSeconds"))
		if !set {
			grace = 30
		}
		for _, c := range r.containers() {
			hook := c.v.At("lifecycle", "preStop")
			seconds, place := sleepOf(hook)
			if seconds == 0 {
				continue
			}
			if seconds >= grace {
				r.add(place.Place, "the preStop hook of %q sleeps "+strconv.Itoa(seconds)+" s, and the pod is killed after "+strconv.Itoa(grace)+" s", c.v.At("name").Text).hint =
					"set terminationGracePeriodSeconds to more than " + strconv.Itoa(seconds)
			}
			for _, probe := range []string{"livenessProbe", "startupProbe"} {
				own := c.v.At(probe, "terminationGracePeriodSeconds")
				if n, ok := intOf(own); ok && seconds >= n {
					r.add(own.Place, probe+" of %q leaves "+strconv.Itoa(n)+" s to stop, and the preStop hook sleeps "+strconv.Itoa(seconds)+" s", c.v.At("name").Text)
				}
			}
		}
	},
}

// sleepOf returns how long a preStop hook sleeps, and where it says so; 0 where it is not known.
func sleepOf(hook manifest.Value) (seconds int, where manifest.Value) {
	if v := hook.At("sleep", "seconds"); v.Text != "" {
		n, _ := intOf(v)
		return n, v
	}
	command := hook.At("exec", "command")
	var words []string
	for _, word := range command.Items {
		words = append(words, strings.Fields(word.Text)...)
	}
	for i, word := range words[:max(len(words)-1, 0)] {
		if word == "sleep" || strings.HasSuffix(word, "/sleep") {
			return secondsOf(words[i+1]), command
		}
	}
	return 0, manifest.Value{}
}

// secondsOf reads the operand of sleep: 30, 0.5, 30s, 1m, 2h, 1d, and what ends the command in a
// shell; 0 for anything else. A part of a second is left out.
func secondsOf(operand string) int {
	operand = strings.TrimRight(operand, ";&")
	unit := 1.0
	if n := len(operand); n > 0 {
		if u, ok := map[byte]float64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[operand[n-1]]; ok {
			unit, operand = u, operand[:n-1]
		}
	}
	n, err := strconv.ParseFloat(operand, 64)
	if seconds := n * unit; err == nil && seconds > 0 && seconds < math.MaxInt32 {
		return int(seconds)
	}
	return 0
}

var badImage = &Rule{
	Code:   "MG641",
	Title:  "an image that no runtime can read",
	Error:  true,
	Reason: "The image is no reference: a capital letter in the repository, a blank, two tags. The API server takes any text here; the pods do not start (`InvalidImageName`).",
	Source: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
	Wrong:  strings.Replace(podExample(""), "example/api:1.4", "example/API:1.4", 1),
	Mend:   []string{"example/API", "example/api"},
	object: func(r *reading) {
		for _, c := range r.containers() {
			v := c.v.At("image")
			if v.Text == "" || isPlaceholder(v.Text) || strings.Contains(v.Text, "://") || strings.ToUpper(v.Text) == v.Text || v.Text == "auto" {
				continue // another tool puts the image in; Istio does for "auto"
			}
			if _, err := image.Parse(v.Text); err != nil {
				r.add(v.Place, "the image %q is no reference", v.Text).hint = err.Error()
			}
		}
	},
}

var looseImage = &Rule{
	Code:  "MG642",
	Title: "an image without a tag, or with latest",
	Reason: "Which version runs depends on when a pod was started and on which node, and there is nothing to roll back to. Write a tag or a digest. In templates `{{ .Tag }}` leaves it to\n" +
		"tagbump. Personal environments (those without the scope `service`) are left out, and images whose tag a kustomization among the files sets.",
	Source: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
	Wrong:  strings.Replace(podExample(""), "example/api:1.4", "example/api", 1),
	Mend:   []string{"example/api", "example/api:1.4"},
	object: func(r *reading) {
		for _, c := range r.containers() {
			v := c.v.At("image")
			if v.Text == "" || v.Text == "auto" || !isLoose(v.Text) {
				continue
			}
			what := "the image %q has no tag"
			if strings.HasSuffix(v.Text, ":latest") {
				what = "the image %q runs whatever is the latest"
			}
			f := r.add(v.Place, what, v.Text)
			f.sharedOnly, f.repository, f.hint = true, word(strings.TrimSuffix(v.Text, ":latest")), "write a tag that does not move"
		}
	},
}

// isLoose reports whether an image has neither a digest nor a tag other than latest.
func isLoose(text string) bool {
	ref, err := image.Parse(text)
	return err == nil && !isPlaceholder(text) && ref.Digest == "" && (ref.Tag == "" || ref.Tag == "latest")
}

var longName = &Rule{
	Code:   "MG643",
	Title:  "a StatefulSet whose name is too long for its pods",
	Error:  true,
	Reason: "The pods of a StatefulSet get a label with its name and a hash (`controller-revision-hash`), and a label has 63 characters at most. With a name of more than 52 no pod is made.",
	Source: "https://github.com/kubernetes/kubernetes/issues/64023",
	Wrong: `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a-name-of-a-user-and-a-name-of-a-service-and-what-it-is-for}
spec:
  serviceName: ""
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: a, image: "example/a:1.4"}]}`,
	Mend: []string{"-and-what-it-is-for", ""},
	object: func(r *reading) {
		if kindOf(r.o.facts) == "StatefulSet" && len(r.o.Name) > 52 {
			r.add(r.o.named, "the name %q has more than 52 characters", r.o.Name).hint = "shorten it: the pods' label controller-revision-hash is the name, and 11 characters more"
		}
	},
}

var duration = &Rule{
	Code:   "MG644",
	Title:  "a duration that the controller cannot read",
	Error:  true,
	Reason: "external-secrets reads `refreshInterval` and `refreshTime` as Go does: numbers with `h`, `m` and `s`. The API server takes any text, and the controller then cannot read the object. A day is `24h`.",
	Source: "https://pkg.go.dev/time#ParseDuration",
	Wrong: `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api}
spec:
  refreshInterval: 1d
  secretStoreRef: {kind: ClusterSecretStore, name: secrets-manager}
  data: [{secretKey: TOKEN, remoteRef: {key: api/token}}]
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: secrets-manager}
spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}`,
	Mend: []string{"1d", "24h"},
	object: func(r *reading) {
		if r.o.Group != "external-secrets.io" {
			return
		}
		for _, field := range durations[r.o.Kind] {
			v := r.v.At(strings.Split(field, ".")...)
			if _, err := time.ParseDuration(v.Text); err != nil && v.Text != "" && !isPlaceholder(v.Text) {
				r.add(v.Place, field+": %q is no duration", v.Text).hint = "write hours, minutes and seconds: 24h, 90m, 1h30m"
			}
		}
	},
}

// durations are the fields of each kind of external-secrets that are durations.
var durations = map[string][]string{
	"ExternalSecret":        {"spec.refreshInterval"},
	"PushSecret":            {"spec.refreshInterval"},
	"ClusterExternalSecret": {"spec.refreshTime", "spec.externalSecretSpec.refreshInterval"},
	"ClusterPushSecret":     {"spec.refreshTime", "spec.pushSecretSpec.refreshInterval"},
}

var rootUser = &Rule{
	Code:   "MG645",
	Title:  "a container that must not run as root, and must run as user 0",
	Error:  true,
	Reason: "`runAsNonRoot: true` and `runAsUser: 0` hold for the same container: it does not start (`CreateContainerConfigError`). What the container says counts before what the pod says.",
	Source: "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
	Wrong:  podExample("          securityContext: {runAsNonRoot: true, runAsUser: 0}\n"),
	Mend:   []string{"runAsUser: 0", "runAsUser: 1000"},
	object: func(r *reading) {
		for _, c := range r.containers() {
			own, pods := c.v.At("securityContext"), r.podSpec.At("securityContext")
			effective := func(key string) manifest.Value {
				if v := own.At(key); v.Kind != manifest.Null {
					return v
				}
				return pods.At(key) // null says nothing
			}
			if user := effective("runAsUser"); user.Text == "0" && isTrue(effective("runAsNonRoot")) {
				r.add(user.Place, "the container %q has runAsNonRoot: true and runAsUser: 0", c.v.At("name").Text).hint = "write the number of another user, such as runAsUser: 1000, or leave it out if the image has one"
			}
		}
	},
}
