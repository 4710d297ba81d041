package rules

import (
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

// workload is an object that makes pods with the label app: api, with more in the spec of its pods.
func workload(kind, more string) string {
	api, before, after := "apps/v1", "", ""
	switch kind {
	case "Rollout":
		api = "argoproj.io/v1alpha1"
	case "CronJob":
		api, before, after = "batch/v1", `schedule: "0 4 * * *", jobTemplate: {spec: {`, "}}"
	}
	if kind != "CronJob" {
		before = "selector: {matchLabels: {app: api}}, "
	}
	return "---\napiVersion: " + api + "\nkind: " + kind + "\nmetadata: {name: api}\nspec: {" + before +
		"template: {metadata: {labels: {app: api}}, spec: {" + more + `containers: [{name: api, image: "example/api:1.4", ports: [{name: http, containerPort: 8080}]}]}}` + after + "}\n"
}

// small is an object with a kind, its metadata and the rest, in flow style.
func small(api, kind, meta, rest string) string {
	return "---\napiVersion: " + api + "\nkind: " + kind + "\nmetadata: {" + meta + "}\n" + rest + "\n"
}

// ingressFor is an Ingress of a class for a host and path, which leads to a port of the Service
// api.
func ingressFor(meta, class, host, path, port string) string {
	return small("networking.k8s.io/v1", "Ingress", meta, `spec: {ingressClassName: `+class+`, rules: [{host: "`+host+`", http: {paths: [{path: `+path+`, pathType: Prefix, backend: {service: {name: api, port: `+port+`}}}]}}]}`)
}

// ingressWith is an Ingress for the AWS Load Balancer Controller, with an annotation and a spec.
func ingressWith(annotation, spec string) string {
	return small("networking.k8s.io/v1", "Ingress", "name: a, annotations: {alb.ingress.kubernetes.io/"+annotation+"}", "spec: {ingressClassName: alb, "+spec+"}")
}

// albTwice is an Ingress for the AWS Load Balancer Controller with an annotation, and with the
// Service api behind another backend of the same host and path.
func albTwice(annotation, first string) string {
	path := "{path: /, pathType: Prefix, backend: {service: "
	return small("networking.k8s.io/v1", "Ingress", "name: a, annotations: {alb.ingress.kubernetes.io/target-type: ip, alb.ingress.kubernetes.io/"+annotation+"}",
		"spec: {ingressClassName: alb, rules: [{host: a.example.com, http: {paths: ["+path+first+"}}, "+path+"{name: api, port: {number: 80}}}}]}}]}")
}

// albRollout is a Rollout that splits the requests of an ALB, and its Ingress, whose backend is the
// action of the Service root.
func albRollout(alb string) string {
	return webService + strings.Replace(workload("Rollout", ""), "spec: {", "spec: {strategy: {canary: {stableService: api, canaryService: api, trafficRouting: {alb: "+alb+"}}}, ", 1) +
		ingressWith("target-type: ip", "rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: root, port: {name: use-annotation}}}}]}}]")
}

// backendOf is the Service web, of a type and without pods.
func backendOf(kind string) string {
	return small("v1", "Service", "name: web", "spec: {type: "+kind+", ports: [{port: 80}]}")
}

// withTLS is an Ingress with the certificate of the Secret cert.
func withTLS(ingress string) string {
	return strings.Replace(ingress, "spec: {", "spec: {tls: [{hosts: [a.example.com], secretName: cert}], ", 1)
}

// TestSecondsOf: the operands of sleep.
func TestSecondsOf(t *testing.T) {
	for operand, want := range map[string]int{"30": 30, "30s": 30, "1m": 60, "0.5m;": 30, "1h": 3600, "0.5": 0, "1.9": 1, "$N": 0, "": 0, "s": 0, "-1": 0, "1e300d": 0, "NaN": 0, "infinity": 0} {
		if got := secondsOf(operand); got != want {
			t.Errorf("%q: got %d, want %d", operand, got, want)
		}
	}
}

// kustomization is a file of kustomize with some entries of images.
func kustomization(images string) string {
	return "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [" + images + "]\n"
}

// routeTo is an HTTPRoute in the namespace default, of a Gateway and to the Service api of a
// namespace.
func routeTo(gateway, namespace string) string {
	return small("gateway.networking.k8s.io/v1", "HTTPRoute", "name: api", "spec: {parentRefs: [{name: public, namespace: "+gateway+"}], hostnames: [a.example.com], rules: [{backendRefs: [{name: api, namespace: "+namespace+", port: 80}]}]}")
}

// What the manifests of kindCases are made of.
var webService = small("v1", "Service", "name: api", "spec: {selector: {app: api}, ports: [{name: web, port: 80, targetPort: http}]}")

func scalerOf(api, kind, name string) string {
	return small("autoscaling/v2", "HorizontalPodAutoscaler", "name: api", "spec: {scaleTargetRef: {apiVersion: "+api+", kind: "+kind+", name: "+name+"}, maxReplicas: 3}")
}

func externalInto(target string) string {
	return small("external-secrets.io/v1", "ExternalSecret", "name: api", "spec: {secretStoreRef: {name: store}, target: "+target+", data: [{secretKey: TOKEN, remoteRef: {key: a}}]}") +
		small("external-secrets.io/v1", "SecretStore", "name: store", "spec: {provider: {}}")
}

func secretWith(key string) string {
	return small("v1", "Secret", "name: api", "data: {"+key+": \"\"}")
}

func initWith(rest string) string {
	return "initContainers: [{name: init, image: \"example/a:1\", " + rest + "}], "
}

var kindDeployment = workload("Deployment", "")

func gatewayFrom(from string) string {
	return small("gateway.networking.k8s.io/v1", "Gateway", "name: public, namespace: gateway", "spec: {gatewayClassName: a, listeners: [{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: "+from+"}}}]}")
}

func grantFor(kind, name string) string {
	return small("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "name: a, namespace: backend", "spec: {from: [{group: gateway.networking.k8s.io, kind: "+kind+", namespace: default}], to: [{group: \"\", kind: Service"+name+"}]}")
}

var backendService = small("v1", "Service", "name: api, namespace: backend", "spec: {ports: [{port: 80}]}")
var spotPool = small("karpenter.sh/v1", "NodePool", "name: spot", `spec: {template: {metadata: {labels: {spot: "true"}}, spec: {taints: [{key: spot, value: "true", effect: NoSchedule}]}}}`)

const toleratesSpot = `tolerations: [{key: spot, operator: Equal, value: "true", effect: NoSchedule}], `

// kindCases are manifests, and the codes of what is found in them, separated by blanks.
var kindCases = map[string]struct{ text, want string }{
	"a Service selects pods":                    {webService + kindDeployment, ""},
	"pods of another namespace":                 {webService + strings.Replace(kindDeployment, "{name: api}", "{name: api, namespace: other}", 1), "MG601"},
	"pods of a CronJob are no backends by name": {webService + workload("CronJob", ""), ""},
	"targetPort by a name that pods lack":       {strings.Replace(webService, "targetPort: http", "targetPort: grpc", 1) + kindDeployment, "MG602"},
	"targetPort by a name of another protocol":  {strings.Replace(webService, "targetPort: http", "targetPort: http, protocol: UDP", 1) + kindDeployment, "MG602"},
	"targetPort by number needs no port":        {strings.Replace(webService, "targetPort: http", "targetPort: 9090", 1) + kindDeployment, ""},
	"a Service without a selector":              {small("v1", "Service", "name: api", "spec: {ports: [{port: 80, targetPort: x}]}"), ""},
	"an ExternalName":                           {small("v1", "Service", "name: api", "spec: {type: ExternalName, externalName: a.example.com}") + ingressFor("name: a", "nginx", "a.example.com", "/", "{number: 443}"), ""},
	"an HPA of a Rollout":                       {scalerOf("argoproj.io/v1alpha1", "Rollout", "api") + workload("Rollout", ""), ""},
	"an HPA of a Rollout that is a Deployment":  {scalerOf("argoproj.io/v1alpha1", "Rollout", "api") + kindDeployment, "MG605"},
	"an HPA of another name":                    {scalerOf("apps/v1", "Deployment", "front") + kindDeployment, "MG605"},
	"an Ingress by the port's name":             {webService + kindDeployment + ingressFor("name: a", "nginx", "a.example.com", "/", "{name: web}"), ""},
	"an Ingress by the target's name":           {webService + kindDeployment + ingressFor("name: a", "nginx", "a.example.com", "/", "{name: http}"), "MG604"},
	"two paths of one host in two Ingresses":    {webService + kindDeployment + ingressFor("name: a", "nginx", "a.example.com", "/", "{number: 80}") + ingressFor("name: b", "nginx", "a.example.com", "/v2", "{number: 80}"), ""},
	"one path with and without a final slash":   {webService + kindDeployment + ingressFor("name: a", "nginx", "a.example.com", "/v2", "{number: 80}") + ingressFor("name: b", "nginx", "A.example.com", "/v2/", "{number: 80}"), "MG611"},
	"a wildcard beside a host":                  {webService + kindDeployment + ingressFor("name: a", "nginx", "*.example.com", "/", "{number: 80}") + ingressFor("name: b", "nginx", "a.example.com", "/", "{number: 80}"), ""},
	"two wildcards":                             {webService + kindDeployment + ingressFor("name: a", "nginx", "*.example.com", "/", "{number: 80}") + ingressFor("name: b", "nginx", "*.example.com", "/", "{number: 80}"), "MG611"},
	"hosts of Ingresses in two namespaces":      {webService + kindDeployment + ingressFor("name: a", "nginx", "a.example.com", "/", "{number: 80}") + ingressFor("name: a, namespace: backend", "nginx", "a.example.com", "/", "{number: 80}") + backendService, "MG611"},
	"a Gateway for every namespace":             {gatewayFrom("All") + webService + kindDeployment + routeTo("gateway", "default"), ""},
	"a Gateway for some namespaces":             {gatewayFrom("Selector") + webService + kindDeployment + routeTo("gateway", "default"), ""},
	"a Gateway for its own namespace":           {gatewayFrom("Same") + webService + kindDeployment + routeTo("gateway", "default"), "MG614"},
	"a Service elsewhere without a grant":       {gatewayFrom("All") + backendService + routeTo("gateway", "backend"), "MG614"},
	"a Service elsewhere with a grant":          {gatewayFrom("All") + backendService + routeTo("gateway", "backend") + grantFor("HTTPRoute", ""), ""},
	"a grant for another Service":               {gatewayFrom("All") + backendService + routeTo("gateway", "backend") + grantFor("HTTPRoute", ", name: front"), "MG614"},
	"a grant for another kind":                  {gatewayFrom("All") + backendService + routeTo("gateway", "backend") + grantFor("GRPCRoute", ""), "MG614"},
	"a Secret by an ExternalSecret":             {externalInto("{}") + workload("Deployment", initWith("envFrom: [{secretRef: {name: api}}]")), ""},
	"a key of an ExternalSecret":                {externalInto("{}") + workload("Deployment", initWith("env: [{name: A, valueFrom: {secretKeyRef: {name: api, key: TOKN}}}]")), "MG607"},
	"an ExternalSecret of another name":         {externalInto("{name: other}") + workload("Deployment", initWith("envFrom: [{secretRef: {name: api}}]")), "MG606"},
	"creationPolicy None makes nothing":         {externalInto("{creationPolicy: None}") + workload("Deployment", initWith("envFrom: [{secretRef: {name: api}}]")), "MG606"},
	"creationPolicy Merge needs the Secret":     {externalInto("{creationPolicy: Merge}"), "MG609"},
	"creationPolicy Merge adds keys":            {externalInto("{creationPolicy: Merge}") + secretWith("OTHER") + workload("Deployment", initWith("env: [{name: A, valueFrom: {secretKeyRef: {name: api, key: TOKEN}}}]")), ""},
	"creationPolicy Orphan":                     {externalInto("{creationPolicy: Orphan}") + workload("Deployment", initWith("envFrom: [{secretRef: {name: api}}]")), ""},
	"envFrom that is optional":                  {workload("Deployment", initWith("envFrom: [{configMapRef: {name: a, optional: true}}]")), ""},
	"a key that is optional":                    {secretWith("OTHER") + workload("Deployment", initWith("env: [{name: A, valueFrom: {secretKeyRef: {name: api, key: TOKEN, optional: true}}}]")), ""},
	"a projected volume":                        {workload("Deployment", "volumes: [{name: a, projected: {sources: [{configMap: {name: a}}]}}], "), "MG606"},
	"a projected volume that is optional":       {workload("Deployment", "volumes: [{name: a, projected: {sources: [{secret: {name: a, optional: true}}]}}], "), ""},
	"a projected key":                           {secretWith("OTHER") + workload("Deployment", "volumes: [{name: a, projected: {sources: [{secret: {name: api, items: [{key: TOKEN, path: a}]}}]}}], "), "MG607"},
	"the certificate that each namespace has":   {workload("Deployment", "volumes: [{name: a, configMap: {name: kube-root-ca.crt}}], "), ""},
	"a binding of a ServiceAccount": {workload("Deployment", "") + small("v1", "ServiceAccount", "name: robot", "") +
		small("rbac.authorization.k8s.io/v1", "RoleBinding", "name: a", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: robot, namespace: default}, {kind: User, name: jane}]"), ""},
	"a binding of a ServiceAccount that is not there": {workload("Deployment", "") +
		small("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "name: a", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: robot, namespace: default}]"), "MG609"},
	"a binding of a ServiceAccount elsewhere": {workload("Deployment", "") +
		small("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "name: a", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: robot, namespace: kube-system}]"), ""},
	"a store whose ServiceAccount is not there": {workload("Deployment", "") +
		small("external-secrets.io/v1", "SecretStore", "name: a", "spec: {provider: {aws: {service: SecretsManager, region: eu-west-1, auth: {jwt: {serviceAccountRef: {name: robot}}}}}}"), "MG609"},
	"a store of the provider kubernetes": {workload("Deployment", "") +
		small("external-secrets.io/v1", "SecretStore", "name: a", "spec: {provider: {kubernetes: {auth: {serviceAccount: {name: robot}}}}}"), "MG609"},
	"a store whose Secret is not there": {workload("Deployment", "") +
		small("external-secrets.io/v1", "SecretStore", "name: a", "spec: {provider: {aws: {auth: {secretRef: {accessKeyIDSecretRef: {name: keys, key: id}, secretAccessKeySecretRef: {name: keys, key: secret}}}}}}"), "MG609"},
	"a store whose Secret is there": {secretWith("token") +
		small("external-secrets.io/v1", "SecretStore", "name: a", "spec: {provider: {vault: {auth: {tokenSecretRef: {name: api, key: token}}}}}"), ""},
	"the certificate of an Ingress":            {webService + kindDeployment + withTLS(ingressFor("name: a", "nginx", "a.example.com", "/", "{number: 80}")), "MG609"},
	"the certificate of an ALB":                {webService + kindDeployment + withTLS(ingressFor("name: a, annotations: {alb.ingress.kubernetes.io/target-type: ip}", "alb", "a.example.com", "/", "{number: 80}")), ""},
	"a certificate that is made":               {webService + kindDeployment + withTLS(ingressFor("name: a, annotations: {cert-manager.io/issuer: a}", "nginx", "a.example.com", "/", "{number: 80}")), ""},
	"the default ServiceAccount":               {workload("Deployment", "serviceAccountName: default, "), ""},
	"a ServiceAccount that is not there":       {workload("CronJob", "serviceAccountName: api, "), "MG606"},
	"a ConfigMap of a CronJob":                 {workload("CronJob", initWith("envFrom: [{configMapRef: {name: a}}]")), "MG606"},
	"a ConfigMap that yes makes optional":      {workload("CronJob", initWith("envFrom: [{configMapRef: {name: a, optional: yes}}]")), ""},
	"user 0 where On forbids root":             {workload("CronJob", initWith("securityContext: {runAsNonRoot: On, runAsUser: 0}")), "MG645"},
	"the pod's user 0, which null leaves":      {workload("Deployment", "securityContext: {runAsUser: 0}, "+initWith("securityContext: {runAsNonRoot: true, runAsUser: null}")), "MG645"},
	"a user of the container, not the pod's 0": {workload("CronJob", "securityContext: {runAsUser: 0}, "+initWith("securityContext: {runAsNonRoot: true, runAsUser: 1000}")), ""},
	"a wildcard of an ALB without annotations": {webService + kindDeployment + ingressFor("name: a", "alb", "a.example.com", "/api/*", "{number: 80}"), "MG622 MG624"},
	"a redirect to HTTPS before a backend": {webService + kindDeployment + albTwice(`actions.tls: '{"type": "redirect", "redirectConfig": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}'`,
		"{name: tls, port: {name: use-annotation}}"), ""},
	"an answer before a backend": {webService + kindDeployment + albTwice(`actions.no: '{"type": "fixed-response", "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "404"}}'`,
		"{name: no, port: {name: use-annotation}}"), "MG611"},
	"a backend for a header": {webService + kindDeployment + strings.ReplaceAll(webService, "name: api", "name: next") + albTwice(`conditions.next: '[{"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-Next", "values": ["1"]}}]'`,
		"{name: next, port: {number: 80}}"), ""},
	"a target type that IngressClassParams may set": {webService + kindDeployment + ingressFor("name: a", "alb", "a.example.com", "/", "{number: 80}") +
		small("elbv2.k8s.aws/v1beta1", "IngressClassParams", "name: alb", "spec: {targetType: ip}"), ""},
	"a wildcard of another class": {webService + kindDeployment + ingressFor("name: a", "haproxy", "a.example.com", "/api/*", "{number: 80}"), ""},
	"a key of matchLabelKeys in an affinity's selector": {workload("CronJob", "affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "+
		"[{weight: 1, podAffinityTerm: {topologyKey: a, matchLabelKeys: [app], labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}}]}}, "), "MG647"},
	"a key of matchLabelKeys that the pods do not have": {workload("Deployment", "topologySpreadConstraints: "+
		"[{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [tier], labelSelector: {matchLabels: {app: api, tier: a}}}], "), ""},
	"a key that only mismatchLabelKeys has": {workload("Deployment", "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "+
		"[{topologyKey: a, mismatchLabelKeys: [app], labelSelector: {matchLabels: {app: api}}}]}}, "), ""},
	"a claim":                                   {workload("Deployment", "volumes: [{name: a, persistentVolumeClaim: {claimName: data}}], "), "MG606"},
	"a claim of a StatefulSet":                  {workload("Deployment", "volumes: [{name: a, persistentVolumeClaim: {claimName: data-db-0}}], ") + small("apps/v1", "StatefulSet", "name: db", `spec: {serviceName: "", volumeClaimTemplates: [{metadata: {name: data}}], selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, image: "a/b:1"}]}}}`), ""},
	"the Service of a StatefulSet":              {small("apps/v1", "StatefulSet", "name: db", `spec: {serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, image: "a/b:1"}]}}}`), "MG609"},
	"pods on the nodes of a pool":               {spotPool + workload("Deployment", `nodeSelector: {spot: "true"}, `+toleratesSpot), ""},
	"pods that do not tolerate a pool":          {spotPool + workload("Deployment", `nodeSelector: {spot: "true"}, `), "MG640"},
	"pods for a label's value that no pool has": {spotPool + workload("Deployment", `nodeSelector: {spot: "yes"}, `+toleratesSpot), "MG640"},
	"pods for nodes that are not Karpenter's":   {spotPool + workload("Deployment", `nodeSelector: {gpu: "true"}, `), ""},
	"pods for an architecture":                  {spotPool + workload("Deployment", `nodeSelector: {kubernetes.io/arch: arm64}, `+toleratesSpot), ""},
	"a Mapping to another namespace":            {backendService + small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: 'api.backend:80'}"), ""},
	"a Mapping to a port that is not there":     {backendService + small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: 'api.backend:8080'}"), "MG604"},
	"two Mappings of a host":                    {backendService + small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: 'api.backend'}") + small("getambassador.io/v3alpha1", "Mapping", "name: b, namespace: backend", "spec: {hostname: a.example.com, prefix: /, service: api}"), "MG611"},
	"a TargetGroupBinding":                      {webService + kindDeployment + small("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "name: a", "spec: {targetGroupARN: a, serviceRef: {name: api, port: web}}"), ""},
	"a TargetGroupBinding to a missing port":    {webService + kindDeployment + small("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "name: a", "spec: {targetGroupARN: a, serviceRef: {name: api, port: 8080}}"), "MG604"},
	"an HPA of a ReplicationController":         {scalerOf("v1", "ReplicationController", "api") + small("v1", "ReplicationController", "name: api", `spec: {selector: {app: api}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: a, image: "a/b:1"}]}}}`), ""},
	"an HPA without an apiVersion":              {strings.Replace(scalerOf("apps/v1", "Deployment", "api"), "apiVersion: apps/v1, ", "", 1) + kindDeployment, ""},
	"replicas of null are one": {strings.Replace(kindDeployment, "spec: {", "spec: {replicas: null, ", 1) +
		small("policy/v1", "PodDisruptionBudget", "name: a", "spec: {minAvailable: 1, selector: {matchLabels: {app: api}}}"), "MG634"},
	"a Mapping to a host elsewhere":                         {small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: 'https://example.org'}"), ""},
	"a Mapping to a Service that is none":                   {webService + kindDeployment + small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: front.default}"), "MG603"},
	"a Mapping to a namespace without pods":                 {backendService + small("getambassador.io/v3alpha1", "Mapping", "name: a", "spec: {hostname: a.example.com, prefix: /, service: apii.backend}"), "MG603"},
	"an action that a Rollout writes":                       {albRollout("{ingress: a, rootService: root, servicePort: 80}"), ""},
	"an action of the stable Service that a Rollout writes": {strings.Replace(albRollout("{ingress: a, servicePort: 80}"), "{name: root, port", "{name: api, port", 1), ""},
	"an action that no Rollout writes":                      {albRollout("{ingress: a, rootService: api, servicePort: 80}"), "MG622"},
	"a default backend by an annotation that is not there":  {ingressWith("target-type: ip", "defaultBackend: {service: {name: redirect, port: {name: use-annotation}}}"), "MG622"},
	"a default backend that nodes cannot reach":             {backendOf("ClusterIP") + ingressWith("target-type: instance", "defaultBackend: {service: {name: web, port: {number: 80}}}"), "MG624"},
	"a default backend that nodes reach":                    {backendOf("NodePort") + ingressWith("target-type: instance", "defaultBackend: {service: {name: web, port: {number: 80}}}"), ""},
	"a budget by expressions":                               {kindDeployment + small("policy/v1", "PodDisruptionBudget", "name: a", "spec: {maxUnavailable: 1, selector: {matchExpressions: [{key: app, operator: In, values: [api, front]}]}}"), ""},
	"a budget by expressions that select nothing":           {kindDeployment + small("policy/v1", "PodDisruptionBudget", "name: a", "spec: {maxUnavailable: 1, selector: {matchExpressions: [{key: app, operator: NotIn, values: [api]}]}}"), "MG608"},
	"an image without a tag":                                {strings.Replace(workload("Deployment", ""), ":1.4", "", 1), "MG642"},
	"an image that kustomize tags":                          {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, newTag: '1.5'}`), ""},
	"an image that kustomize renames":                       {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, newName: mirror/api}`), "MG642"},
	"an image that kustomize tags in its name":              {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, newName: 'mirror/api:1.5'}`), ""},
	"an image that kustomize renames and tags":              {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, newName: mirror/api}, {name: mirror/api, newTag: '1.5'}`), ""},
	"an image that kustomize tags latest":                   {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, newTag: latest}`), "MG642"},
	"an image that kustomize gives a digest":                {strings.Replace(workload("Deployment", ""), ":1.4", "", 1) + kustomization(`{name: example/api, digest: 'sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3'}`), ""},
	"a day in a ClusterExternalSecret":                      {small("external-secrets.io/v1", "ClusterExternalSecret", "name: a", "spec: {refreshTime: 24h, externalSecretSpec: {refreshInterval: 1d}}"), "MG644"},
	"a day before a ClusterExternalSecret looks again":      {small("external-secrets.io/v1", "ClusterExternalSecret", "name: a", "spec: {refreshTime: 1d, externalSecretSpec: {refreshInterval: 24h}}"), "MG644"},
	"a day in a ClusterPushSecret":                          {small("external-secrets.io/v1alpha1", "ClusterPushSecret", "name: a", "spec: {pushSecretSpec: {refreshInterval: 1d}}"), "MG644"},
	"a Service of an experiment":                            {strings.Replace(webService, "app: api", "app: preview", 1) + strings.Replace(workload("Rollout", ""), "spec: {sel", "spec: {strategy: {canary: {steps: [{experiment: {templates: [{name: a, metadata: {labels: {app: preview}}}]}}]}}, sel", 1), ""},
	"the path of a key":                                     {small("v1", "Secret", "name: a", "stringData: {keyStorePath: /etc/keys/store.jks}"), ""},
	"a certificate":                                         {small("v1", "Secret", "name: a", "stringData: {tls.cert: MIIBszCCAVmgAwIBAgIU}"), ""},
	"settings without a secret":                             {small("v1", "Secret", "name: a", "stringData: {broker.properties: 'failover=true'}"), ""},
	"settings with a secret":                                {small("v1", "Secret", "name: a", "stringData: {broker.properties: 'password=hVb3xq91'}"), "MG651"},
	"an example of a setting":                               {small("v1", "Secret", "name: a", "stringData: {tenancy_ocid: ocid1.tenancy.oc1..example_tenancy_id}"), ""},
	"a password with the word example":                      {small("v1", "Secret", "name: a", "stringData: {password: example-L6o2Yuuy1TOF}"), "MG651"},
}

// TestKinds: the ways in which the objects of a cluster refer to each other.
func TestKinds(t *testing.T) {
	for name, c := range kindCases {
		if found, want := check(t, c.text), strings.Fields(c.want); !slices.Equal(codes(found), toCodes(want)) {
			t.Errorf("%s: got %v, want %v:\n%s", name, codes(found), want, messages(found))
		}
	}
}

func toCodes(words []string) []problem.Code {
	var list []problem.Code
	for _, w := range words {
		list = append(list, problem.Code(w))
	}
	return list
}

// TestEnvironmentsOfACluster: the members of an IngressGroup count together, whatever namespace or
// environment they are of, and a host is claimed once in a cluster.
func TestEnvironmentsOfACluster(t *testing.T) {
	environment := func(name, text string) []*Object {
		list := objects(t, text)
		for _, o := range list {
			o.Env = &Environment{Name: name, Namespace: name, Shared: true}
		}
		return list
	}
	scheme := func(name, scheme, host string) string {
		return member(name, annotated("scheme", scheme, "inbound-cidrs", "10.0.0.0/8"), hosts(name, host))
	}
	dev, qa := environment("dev", scheme("api", "internal", "api.dev.example.com")), environment("qa", scheme("api", "internet-facing", "api.qa.example.com"))
	found := Check([]*Cluster{{Objects: slices.Concat(dev, qa), Whole: true}})
	if len(found) != 1 || found[0].Rule != groupAgreement || !strings.Contains(found[0].Message, `"dev/api"`) || found[0].Object.Env.Name != "qa" {
		t.Errorf("of one cluster: got %s", messages(found))
	}
	if found := Check([]*Cluster{{Objects: dev, Whole: true}, {Objects: qa, Whole: true}}); len(found) > 0 {
		t.Errorf("of two clusters: got %s", messages(found))
	}
	claims := slices.Concat(environment("dev", scheme("api", "internal", "api.example.com")), environment("qa", scheme("api", "internal", "api.example.com")))
	if found := Check([]*Cluster{{Objects: claims, Whole: true}}); !slices.Equal(codes(found), []problem.Code{"MG611"}) || len(found[0].Also) == 0 {
		t.Errorf("a host of both: got %s", messages(found))
	}
}

// TestNodePoolOfAnotherEnvironment: pods use the nodes of their cluster's pools, whose environment
// is another, and not those of another cluster.
func TestNodePoolOfAnotherEnvironment(t *testing.T) {
	pool := objects(t, small("karpenter.sh/v1", "NodePool", "name: spot", `spec: {template: {metadata: {labels: {spot: "true"}}}}`))
	pods := objects(t, workload("Deployment", `nodeSelector: {spot: "true"}, `))
	if found := Check([]*Cluster{{Objects: slices.Concat(pool, pods), Whole: true}}); len(found) > 0 {
		t.Errorf("of one cluster: got %s", messages(found))
	}
	found := Check([]*Cluster{{Objects: pool, Whole: true}, {Objects: pods, Whole: true}})
	if len(found) != 1 || found[0].Rule != noNodes || found[0].Error {
		t.Errorf("of two clusters: got %s", messages(found))
	}
	pods[0].Env = &Environment{Name: "dev", Namespace: "dev", Shared: true}
	found = Check([]*Cluster{{Objects: pool, Whole: true}, {Objects: pods, Whole: true}})
	if len(found) != 1 || found[0].Rule != noNodes || !found[0].Error || found[0].Place == pods[0].pods.place {
		t.Errorf("of two clusters of an inventory: got %s", messages(found))
	}
	pods[0].Env.External = []External{{Kind: "NodePool", Name: "spot"}}
	if found := Check([]*Cluster{{Objects: pool, Whole: true}, {Objects: pods, Whole: true}}); len(found) > 0 {
		t.Errorf("of a pool that is made elsewhere: got %s", messages(found))
	}
}

// TestOpenToTheInternet: who reaches a load balancer is said somewhere; that everybody may, too,
// but not of users' own copies.
func TestOpenToTheInternet(t *testing.T) {
	for name, c := range map[string]struct {
		shared bool
		cidrs  string
		want   []problem.Code
	}{
		"shared":                        {true, "", []problem.Code{"MG628"}},
		"shared, with CIDRs":            {true, "203.0.113.0/24", nil},
		"shared, meant":                 {true, "0.0.0.0/0", nil},
		"personal":                      {false, "", []problem.Code{"MG628"}},
		"personal, with CIDRs":          {false, "203.0.113.0/24", nil},
		"personal, meant all the same":  {false, "0.0.0.0/0", []problem.Code{"MG628"}},
		"personal, of both families":    {false, "0.0.0.0/0, ::/0", []problem.Code{"MG628"}},
		"personal, with a CIDR and all": {false, "203.0.113.0/24,0.0.0.0/0", []problem.Code{"MG628"}},
		"shared, of both families":      {true, "0.0.0.0/0,::/0", nil},
	} {
		annotations := annotated("scheme", "internet-facing")
		if c.cidrs != "" {
			annotations += annotated("inbound-cidrs", c.cidrs)
		}
		list := objects(t, member("api", annotations, hosts("api", "api.example.com")))
		for _, o := range list {
			o.Env = &Environment{Name: "a", Namespace: "default", Shared: c.shared}
		}
		if found := Check([]*Cluster{{Objects: list, Whole: true}}); !slices.Equal(codes(found), c.want) {
			t.Errorf("%s: got %s, want %v", name, messages(found), c.want)
		}
	}
}
