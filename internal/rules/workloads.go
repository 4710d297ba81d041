package rules

import (
	"strconv"
	"strings"
)

var blockedDrain = &Rule{
	Code:  "MG634",
	Title: "a PodDisruptionBudget that lets no pod go",
	Reason: "With `maxUnavailable: 0`, or a `minAvailable` of as many pods as there are, no pod may be evicted: a node with one of them is never drained, and Karpenter or an upgrade of the\n" +
		"cluster waits for it. A budget is for workloads with several pods, of which one may go at a time.",
	Source: "https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
	Wrong: `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: api}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: api}}
` + deployment,
	Mend: []string{"minAvailable: 2", "maxUnavailable: 1"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.budgets {
			pods, known := 0, true
			var first *Object
			for _, w := range c.selected(o) {
				if w.Kind == "DaemonSet" || w.Kind == "Job" || w.Kind == "CronJob" {
					known = false
				}
				n, ok := c.fewest(w)
				pods, known = pods+n, known && ok
				first = w
			}
			if !known || pods == 0 {
				continue
			}
			if value, blocks := o.budget.blocks(pods); blocks {
				r.add(o, value.place, "the budget lets no pod go: %s of %d", value.is, pods).hint("write maxUnavailable: 1, with at least 2 replicas; or leave the budget out").
					also(first, first.pods.place, "the pods of %s", first)
			}
		}
	},
}

// fewest returns how many pods a workload has at least; ok is false where that is not known.
func (c *Cluster) fewest(w *Object) (n int, ok bool) {
	if scalers := c.scaled[w.id()]; len(scalers) > 0 {
		return scalers[0].scaler.min, true
	}
	return w.pods.count, w.pods.replicas.is != "" || w.Kind == "Pod" || !c.Open
}

// blocks reports whether a budget lets none of n pods go, and by which value.
func (b *budget) blocks(n int) (value text, blocks bool) {
	if b.max.is != "" {
		return text{"maxUnavailable " + b.max.is, b.max.place}, b.max.is == "0" || b.max.is == "0%"
	}
	least, err := strconv.Atoi(string(b.min.is))
	if percent, isPercent := strings.CutSuffix(string(b.min.is), "%"); isPercent {
		share, wrong := strconv.Atoi(percent)
		least, err = (n*share+99)/100, wrong
	}
	return text{"minAvailable " + b.min.is, b.min.place}, err == nil && b.min.is != "" && least >= n
}

var twoBudgets = &Rule{
	Code:   "MG635",
	Title:  "pods with two PodDisruptionBudgets",
	Error:  true,
	Reason: "A pod that two budgets select cannot be evicted at all: the API server answers with an error, and the node is never drained.",
	Source: "https://kubernetes.io/docs/tasks/run-application/configure-pdb/#arbitrary-controllers-and-selectors",
	Wrong: `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: api}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: api}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: api}}}
` + deployment,
	Mend: []string{"---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: all}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: api}}}\n", ""},
	cluster: func(c *Cluster, r *report) {
		budgets := map[*Object]*Object{}
		for _, o := range c.budgets {
			for _, w := range c.selected(o) {
				first := budgets[w]
				if first == nil {
					budgets[w] = o
					continue
				}
				r.add(o, o.selector.place, "the pods of %s have two budgets: %s, and %s", w, first, o).hint("select them in one").also(first, first.selector.place, "%s selects them too", first)
				break
			}
		}
	},
}

var replicasTwice = &Rule{
	Code:  "MG636",
	Title: "replicas beside an autoscaler",
	Reason: "A HorizontalPodAutoscaler or ScaledObject decides how many pods a workload has, and the manifest says a number too. Each time that it is applied, the number is set back: pods are\n" +
		"stopped under load, until the autoscaler starts them again. Leave `replicas` out.",
	Source: "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas",
	Wrong: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 4
` + deployment,
	Mend: []string{"  replicas: 2\n", ""},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.makePods {
			if o.pods.replicas.is == "" || o.pods.count == 0 {
				continue
			}
			if scalers := c.scaled[o.id()]; len(scalers) > 0 {
				s := scalers[0]
				r.add(o, o.pods.replicas.place, "replicas is %q, and %s scales %s", o.pods.replicas.is, s, o).hint("leave replicas out").also(s, s.scaler.place, "%s scales it", s)
			}
		}
	},
}

var scaledTwice = &Rule{
	Code:  "MG637",
	Title: "a workload that two autoscalers scale",
	Error: true,
	Reason: "Two HorizontalPodAutoscalers or ScaledObjects have the same target (a ScaledObject makes a HorizontalPodAutoscaler of its own). Each sets the number of pods that it thinks\n" +
		"right, and undoes the other's: the number swings. Put the metrics of both into one.",
	Source: "https://keda.sh/docs/latest/concepts/scaling-deployments/",
	Wrong: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, minReplicas: 2, maxReplicas: 4}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api-memory}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, minReplicas: 2, maxReplicas: 4}
` + strings.Replace(deployment, "  replicas: 2\n", "", 1),
	Mend: []string{"---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api-memory}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, minReplicas: 2, maxReplicas: 4}\n", ""},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.scalers {
			all := c.scaled[o.targetOf(&o.refs[0])]
			if first := all[0]; first != o {
				r.add(o, o.scaler.place, "%s scales %q, and so does %s", o, o.in(o.refs[0].name.is), first).hint("put the metrics of both into one").also(first, first.scaler.place, "%s scales it too", first)
			}
		}
	},
}

var missingRequest = &Rule{
	Code:  "MG638",
	Title: "an autoscaler without the requests that it needs",
	Reason: "A HorizontalPodAutoscaler with a target of so many percent compares the use of a resource with what the containers request, and a container of its target requests none. It then\n" +
		"scales nothing (`FailedGetResourceMetric`), unless a LimitRange sets a default. Every container of the pod counts, sidecars too.",
	Source: "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-resource-metrics",
	Wrong: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
` + strings.Replace(deployment, "  replicas: 2\n", "", 1) + "          resources: {limits: {memory: 128Mi}}\n",
	Mend: []string{"resources: {limits", "resources: {requests: {cpu: 100m}, limits"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.scalers {
			target := c.byID[o.targetOf(&o.refs[0])]
			if target == nil || target.pods == nil {
				continue
			}
			for _, share := range o.scaler.shares {
				for _, request := range target.pods.requests {
					if share.is == "cpu" && !request.cpu || share.is == "memory" && !request.memory {
						r.add(o, share.place, "the target is a share of the requested %s, and the container %q of %s requests none", share.is, target.in(request.container), target).
							hint("add resources: {requests: {%s: …}} to the container", share.is).also(target, target.pods.place, "the containers of %s", target)
						break
					}
				}
			}
		}
	},
}
