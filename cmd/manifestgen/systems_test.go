// The tables of systems make this file long: each is an inventory, and the objects that it is to
// become.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

// starterSystems are what the starter does, each shown by objects that it renders: the fields that
// make it work. docs/starter.md lists them. The table is one, and as long as what it shows, so the
// file is longer than others.
var starterSystems = []struct {
	name    string
	objects []wantedObject
	absent  []string // files that must not be rendered
}{
	{"personal pods", []wantedObject{
		{"sandbox/manifests/users/alice/api-sandbox-deployment.yaml", "Deployment", `
metadata: {name: alice-api, namespace: sandbox, labels: {user: alice, team: web}}
spec:
  selector: {matchLabels: {app.kubernetes.io/instance: alice-api}}
  template:
    metadata: {labels: {app.kubernetes.io/instance: alice-api, user: alice, team: web}}
    spec: {serviceAccountName: alice-api, containers: [{name: api}]}`},
		{"sandbox/manifests/users/alice/api-sandbox-service.yaml", "Service", `
metadata: {name: alice-api}
spec: {selector: {app.kubernetes.io/name: api, app.kubernetes.io/instance: alice-api}, ports: [{name: http, port: 80, targetPort: http}]}`},
		{"sandbox/manifests/users/alice/api-sandbox-service-account.yaml", "ServiceAccount", `
metadata: {name: alice-api, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/sandbox-api"}}`},
	}, []string{"sandbox/manifests/users/carol/worker-sandbox-service.yaml"}},
	{"personal addresses", []wantedObject{
		{"sandbox/manifests/users/alice/api-sandbox-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{env: [{name: ENVIRONMENT, value: sandbox}, {name: FRONT_URL, value: http://alice-front}, {name: SEARCH_URL, value: http://alice-search}, {name: USER, value: alice}, {name: LOG_LEVEL, value: info}]}]}}}`},
		{"sandbox/manifests/users/bob/api-sandbox-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{env: [{name: SEARCH_URL, value: http://bob-search}, {name: LOG_LEVEL, value: debug}]}]}}}`},
	}, nil},
	{"team keys", []wantedObject{
		{"sandbox/manifests/teams/web/web-sandbox-external-secret.yaml", "ExternalSecret", `
metadata: {name: team-web, namespace: sandbox, labels: {team: web}}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: sandbox-secrets-manager}
  target: {name: team-web}
  data: [{secretKey: API_KEY, remoteRef: {key: sandbox/web/api-key}}]`},
		{"sandbox/manifests/users/alice/api-sandbox-external-secret.yaml", "ExternalSecret", `
metadata: {name: alice-api, labels: {user: alice}}
spec: {target: {name: alice-api}, data: [{secretKey: DATABASE_URL, remoteRef: {key: sandbox/api/database-url}}]}`},
		{"sandbox/manifests/users/alice/api-sandbox-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{envFrom: [{secretRef: {name: team-web}}, {secretRef: {name: alice-api}}]}]}}}`},
		{"sandbox/manifests/users/alice/front-sandbox-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{envFrom: [{secretRef: {name: team-web}}]}]}}}`},
	}, []string{"sandbox/manifests/users/alice/front-sandbox-external-secret.yaml"}},
	{"personal hosts", []wantedObject{
		{"sandbox/manifests/users/alice/alice-sandbox-ingress.yaml", "Ingress", `
metadata:
  annotations: {nginx.org/proxy-read-timeout: 300s, nginx.org/proxy-connect-timeout: 60s, nginx.org/proxy-send-timeout: 60s, nginx.org/client-max-body-size: 20m}
spec:
  ingressClassName: nginx
  rules:
    - {host: alice-api.sandbox.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: alice-api, port: {name: http}}}}]}}
    - {host: alice-front.sandbox.example.com, http: {paths: [{backend: {service: {name: alice-front}}}]}}
  rules/length: 2`},
	}, nil},
	{"alb before nginx", []wantedObject{
		{"sandbox/manifests/sandbox-ingress.yaml", "Ingress", `
metadata:
  namespace: nginx-ingress
  annotations:
    alb.ingress.kubernetes.io/scheme: internal
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/inbound-cidrs: 10.0.0.0/8
    alb.ingress.kubernetes.io/healthcheck-port: "8081"
    alb.ingress.kubernetes.io/healthcheck-path: /nginx-ready
spec:
  ingressClassName: alb
  rules: [{host: "*.sandbox.example.com", http: {paths: [{backend: {service: {name: nginx-ingress-controller, port: {name: http}}}}]}}]`},
	}, nil},
	{"spot", []wantedObject{
		{"dev/manifests/dev-karpenter-node-pools.yaml", "NodePool dev-spot", `
spec:
  template:
    metadata: {labels: {spot: "true"}}
    spec:
      requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}]
      taints: [{key: spot, value: "true", effect: NoSchedule}]`},
		{"dev/manifests/api/api-dev-deployment.yaml", "Deployment", `
spec: {template: {spec: {nodeSelector: {spot: "true"}, tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]}}}`},
		{"qa/manifests/api/api-qa-deployment.yaml", "Deployment", `spec: {template: {spec: {nodeSelector: {spot: "true"}}}}`},
		{"prod/manifests/api/api-prod-deployment.yaml", "Deployment", `spec: {template: {spec: {nodeSelector/length: 0}}}`},
	}, nil},
	{"home", []wantedObject{
		{"sandbox/manifests/sandbox-home.yaml", "StorageClass", `
provisioner: efs.csi.aws.com
parameters: {provisioningMode: efs-ap, fileSystemId: fs-0a1b2c3d4e5f60718, subPathPattern: "${.PVC.namespace}/${.PVC.name}", ensureUniqueDirectory: "false", uid: "10001", gid: "10001"}
reclaimPolicy: Retain`},
		{"sandbox/manifests/sandbox-home.yaml", "PersistentVolumeClaim", `
metadata: {name: home, namespace: sandbox}
spec: {accessModes: [ReadWriteMany], storageClassName: sandbox-home}`},
		{"sandbox/manifests/users/alice/front-sandbox-deployment.yaml", "Deployment", `
spec:
  template:
    spec:
      containers: [{env: [{name: HOME, value: /home/alice}], volumeMounts: [{name: home, mountPath: /home/alice, subPath: alice}]}]
      volumes: [{name: home, persistentVolumeClaim: {claimName: home}}]`},
	}, nil},
	{"environments without copies", []wantedObject{
		{"dev/manifests/search/search-dev-deployment.yaml", "Deployment", `spec: {template: {spec: {containers: [{resources: {requests: {memory: 512Mi}}}]}}}`},
		{"qa/manifests/search/search-qa-deployment.yaml", "Deployment", `spec: {template: {spec: {containers: [{resources: {requests: {memory: 512Mi}}}]}}}`},
		{"prod/manifests/search/search-prod-deployment.yaml", "Deployment", `{metadata: {namespace: production}, spec: {replicas: 3, template: {spec: {containers: [{resources: {requests: {memory: 512Mi}}}]}}}}`},
	}, nil},
	{"autoscaler", []wantedObject{
		{"prod/manifests/api/api-prod-hpa.yaml", "HorizontalPodAutoscaler", `
spec:
  scaleTargetRef: {kind: Deployment, name: api}
  minReplicas: 4
  maxReplicas: 24
  metrics:
    - {type: Resource, resource: {name: cpu, target: {averageUtilization: 60}}}
    - {type: External, external: {metric: {name: http_requests_per_second, selector: {matchLabels: {service: api, environment: prod}}}, target: {type: AverageValue, averageValue: "100"}}}`},
		{"prod/manifests/api/api-prod-deployment.yaml", "Deployment", `spec: {replicas: 4}`},
		{"prod/manifests/prod-argocd-applications.yaml", "ApplicationSet", `
spec:
  template:
    spec:
      ignoreDifferences: [{group: apps, kind: Deployment, managedFieldsManagers: [kube-controller-manager]}]
      syncPolicy: {syncOptions: [ServerSideApply=true, RespectIgnoreDifferences=true]}`},
	}, []string{"dev/manifests/api/api-dev-hpa.yaml"}},
	{"cron jobs", []wantedObject{
		{"prod/manifests/worker/worker-prod-cronjobs.yaml", "CronJob worker-report", `
spec:
  schedule: "0 7 * * 1"
  timeZone: Asia/Tokyo
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app.kubernetes.io/instance: worker-report}}
        spec:
          restartPolicy: Never
          serviceAccountName: worker
          containers: [{name: report, image: "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/worker:95d3e0b", command: [/bin/worker, report, --weekly], envFrom: [{secretRef: {name: worker}}]}]`},
	}, nil},
	{"probes", []wantedObject{
		{"dev/manifests/api/api-dev-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{startupProbe: {httpGet: {path: /healthz, port: http}}, readinessProbe: {httpGet: {path: /healthz, port: http}}, livenessProbe: {httpGet: {path: /healthz, port: http}}}]}}}`},
		{"dev/manifests/worker/worker-dev-deployment.yaml", "Deployment", `
spec: {template: {spec: {containers: [{startupProbe: {exec: {command: [/bin/worker, healthy]}}, readinessProbe: {exec: {command: [/bin/worker, healthy]}}, livenessProbe: {exec: {command: [/bin/worker, healthy]}}}]}}}`},
	}, nil},
	{"rolling update", []wantedObject{
		{"prod/manifests/front/front-prod-deployment.yaml", "Deployment", `spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}}`},
		{"prod/manifests/front/front-prod-pdb.yaml", "PodDisruptionBudget", `spec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/instance: front}}}`},
	}, []string{"dev/manifests/front/front-dev-pdb.yaml"}},
	{"pre stop", []wantedObject{
		{"prod/manifests/search/search-prod-deployment.yaml", "Deployment", `spec: {template: {spec: {terminationGracePeriodSeconds: 60, containers: [{lifecycle: {preStop: {sleep: {seconds: 15}}}}]}}}`},
	}, nil},
	{"ambassador", []wantedObject{
		{"staging/manifests/staging-ambassador.yaml", "Ingress", `
metadata:
  namespace: emissary
  annotations:
    alb.ingress.kubernetes.io/scheme: internet-facing
    alb.ingress.kubernetes.io/security-groups: sg-0f1e2d3c4b5a69788
    alb.ingress.kubernetes.io/manage-backend-security-group-rules: "true"
    alb.ingress.kubernetes.io/load-balancer-attributes: access_logs.s3.bucket=example-alb-logs,access_logs.s3.enabled=true,access_logs.s3.prefix=staging
    alb.ingress.kubernetes.io/healthcheck-port: "8877"
spec: {ingressClassName: alb, rules: [{host: "*.staging.example.com", http: {paths: [{backend: {service: {name: emissary-ingress, port: {name: http}}}}]}}]}`},
		{"staging/manifests/staging-ambassador.yaml", "Listener", `spec: {port: 8080, protocol: HTTP, securityModel: XFP, l7Depth: 1, hostBinding: {namespace: {from: SELF}}}`},
		{"staging/manifests/staging-ambassador.yaml", "Host", `{metadata: {namespace: emissary}, spec: {hostname: "*.staging.example.com", requestPolicy: {insecure: {action: Redirect}}}}`},
		{"staging/manifests/api/api-staging-mapping.yaml", "Mapping", `spec: {hostname: api.staging.example.com, prefix: /, service: "api.staging:80"}`},
		{"staging/manifests/staging-argocd-project.yaml", "AppProject", `spec: {destinations: [{name: staging, namespace: emissary}]}`},
	}, []string{"staging/manifests/search/search-staging-mapping.yaml", "dev/manifests/dev-ambassador.yaml"}},
	{"gateway", []wantedObject{
		{"prod/manifests/api/api-prod-http-route.yaml", "HTTPRoute", `
spec:
  parentRefs: [{name: public, namespace: gateway, sectionName: https}]
  hostnames: [api.example.com]
  rules: [{backendRefs: [{name: api, port: 80}]}]`},
	}, nil},
	{"argocd from files", []wantedObject{
		{"prod/manifests/prod-argocd-root.yaml", "Application", `
spec: {source: {path: ., directory: {recurse: true, include: "*/manifests/*-argocd-{project,applications,cluster,root}.yaml"}}, destination: {name: in-cluster}, syncPolicy: {automated: {prune: true, selfHeal: true}}}`},
		{"prod/manifests/prod-argocd-root.yaml", "ExternalSecret", `
metadata: {namespace: argocd}
spec:
  target: {name: repository, template: {mergePolicy: Merge, metadata: {labels: {argocd.argoproj.io/secret-type: repository}}, data: {type: git, url: https://github.com/example/k8s.git}}}
  dataFrom: [{extract: {key: argocd/repository}}]`},
		{"prod/manifests/prod-argocd-root.yaml", "ClusterSecretStore", `{metadata: {name: argocd-secrets-manager}, spec: {conditions: [{namespaces: [argocd]}]}}`},
		{"dev/manifests/dev-argocd-cluster.yaml", "ExternalSecret", `
metadata: {name: cluster-nonprod, namespace: argocd, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
spec:
  target: {template: {metadata: {labels: {argocd.argoproj.io/secret-type: cluster}}, data: {name: nonprod}}}
  dataFrom: [{extract: {key: argocd/cluster-nonprod}}]`},
		{"dev/manifests/dev-argocd-project.yaml", "AppProject", `spec: {destinations: [{name: nonprod, namespace: dev}], clusterResourceWhitelist: [{group: "", kind: Namespace}]}`},
	}, []string{"qa/manifests/qa-argocd-cluster.yaml", "dev/manifests/dev-argocd-root.yaml"}},
	{"application set", []wantedObject{
		{"dev/manifests/dev-argocd-applications.yaml", "ApplicationSet", `
spec:
  generators: [{git: {requeueAfterSeconds: 180, directories: [{path: dev/manifests}, {path: dev/manifests/*}, {path: dev/manifests/teams/*}, {path: dev/manifests/users/*}, {path: dev/manifests/teams, exclude: true}]}}]
  template:
    metadata: {name: '{{ concat (slice .path.segments 0 1) (slice .path.segments 2) | join "." }}'}
    spec:
      source: {path: "{{ .path.path }}", directory: {exclude: dev-argocd-*.yaml}}
      destination: {name: nonprod, namespace: dev}
      syncPolicy: {automated: {prune: true, selfHeal: false}, syncOptions: [ServerSideApply=true, SkipDryRunOnMissingResource=true], syncOptions/length: 3}`},
	}, nil},
	{"secrets", []wantedObject{
		{"prod-next/manifests/prod-next-secret-store.yaml", "ClusterSecretStore", `
spec: {conditions: [{namespaces: [production]}], provider: {aws: {service: SecretsManager, region: ap-northeast-1, role: "arn:aws:iam::123456789012:role/prod-external-secrets"}}}`},
		{"prod/manifests/api/api-prod-external-secret.yaml", "ExternalSecret", `
spec: {secretStoreRef: {name: prod-secrets-manager}, data: [{secretKey: DATABASE_URL, remoteRef: {key: prod/api/database-url}}, {secretKey: SESSION_KEY, remoteRef: {key: prod/api/session-key}}]}`},
		{"prod/manifests/api/api-prod-deployment.yaml", "Deployment", `
metadata: {annotations: {reloader.stakater.com/auto: "true"}}
spec: {template: {spec: {containers: [{envFrom: [{secretRef: {name: api}}]}]}}}`},
	}, nil},
	{"version move", []wantedObject{
		{"prod-next/manifests/prod-next-argocd-applications.yaml", "ApplicationSet", `spec: {template: {spec: {destination: {name: prod-b, namespace: production}}}}`},
		{"prod-next/manifests/prod-next-karpenter-node-class.yaml", "EC2NodeClass", `spec: {role: KarpenterNodeRole-prod-b, amiSelectorTerms: [{alias: al2023@v20251023}]}`},
	}, nil},
	{"target group binding", []wantedObject{
		{"qa/manifests/api/api-qa-target-group-binding.yaml", "TargetGroupBinding", `
spec:
  targetGroupARN: arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/qa-api/6d0ecf831eec9f09
  targetType: ip
  serviceRef: {name: api, port: http}
  networking: {ingress: [{from: [{securityGroup: {groupID: sg-0a1b2c3d4e5f60718}}], ports: [{protocol: TCP, port: 8080}]}]}`},
	}, []string{"qa/manifests/api/api-qa-ingress.yaml", "qa/manifests/search/search-qa-target-group-binding.yaml"}},
	{"karpenter", []wantedObject{
		{"prod/manifests/prod-karpenter-node-pools.yaml", "NodePool prod-on-demand", `
spec: {limits: {cpu: 256}, template: {spec: {nodeClassRef: {kind: EC2NodeClass, name: prod}, requirements: [{key: karpenter.sh/capacity-type, values: [on-demand], values/length: 1}]}}}`},
		{"prod/manifests/prod-karpenter-node-pools.yaml", "NodePool prod-spot", `spec: {limits: {cpu: 64}}`},
		{"prod/manifests/prod-karpenter-node-class.yaml", "EC2NodeClass", `spec: {metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 1}}`},
	}, []string{"qa/manifests/qa-karpenter-node-pools.yaml"}},
	{"alb ip targets", []wantedObject{
		{"dev/manifests/api/api-dev-ingress.yaml", "Ingress", `
metadata:
  annotations:
    alb.ingress.kubernetes.io/group.name: dev
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/healthcheck-path: /healthz
    alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=120
spec: {ingressClassName: alb, rules: [{host: api.dev.example.com, http: {paths: [{backend: {service: {name: api, port: {name: http}}}}]}}]}`},
		{"dev/manifests/dev-namespace.yaml", "Namespace", `metadata: {labels: {elbv2.k8s.aws/pod-readiness-gate-inject: enabled, pod-security.kubernetes.io/enforce: restricted}}`},
	}, []string{"dev/manifests/search/search-dev-ingress.yaml"}},
	{"confirmations", []wantedObject{
		{"prod/manifests/prod-namespace.yaml", "Namespace", confirmed},
		{"sandbox/manifests/sandbox-home.yaml", "PersistentVolumeClaim", confirmed},
		{"prod/manifests/prod-karpenter-node-pools.yaml", "NodePool prod-spot", confirmed},
		{"prod/manifests/prod-karpenter-node-class.yaml", "EC2NodeClass", confirmed},
		{"prod/manifests/prod-argocd-applications.yaml", "ApplicationSet", confirmed},
	}, nil},
}

const confirmed = `metadata: {annotations: {argocd.argoproj.io/sync-options: "Prune=confirm,Delete=confirm"}}`

// wantedObject is an object of a file, by kind, and name where there are several, and some of
// its fields. In them, a list holds what of the rendered list must be there, in that order;
// and key/length is how many items or keys there are.
type wantedObject struct{ file, kindAndName, fields string }

func TestSystems(t *testing.T) {
	objects, files := starter(t)
	for _, system := range starterSystems {
		t.Run(strings.ReplaceAll(system.name, " ", "_"), func(t *testing.T) {
			for _, want := range system.objects {
				kind, name, _ := strings.Cut(want.kindAndName, " ")
				i := slices.IndexFunc(objects, func(o object) bool {
					return o.file == want.file && o.kind() == kind && (name == "" || o.text("metadata.name") == name)
				})
				if i < 0 {
					t.Errorf("%s holds no %s", want.file, want.kindAndName)
					continue
				}
				file, err := manifest.Parse(want.file, []byte(want.fields))
				if err != nil {
					t.Fatal(err)
				}
				documents, err := file.Values()
				if err != nil {
					t.Fatal(err)
				}
				for _, difference := range lacks(objects[i].fields, documents[0].Go(), "") {
					t.Errorf("%s: %s: %s", want.file, want.kindAndName, difference)
				}
			}
			for _, file := range system.absent {
				if _, there := files[file]; there {
					t.Errorf("%s is rendered", file)
				}
			}
		})
	}
}

// lacks returns what of a wanted value another has not.
func lacks(got, want any, path string) []string {
	switch want := want.(type) {
	case map[string]any:
		fields, _ := got.(map[string]any)
		var all []string
		for key, value := range want {
			if of, isLength := strings.CutSuffix(key, "/length"); isLength {
				if n := lengthOf(fields[of]); fmt.Sprint(n) != fmt.Sprint(value) {
					all = append(all, fmt.Sprintf("%s.%s has the length %d, not %v", path, of, n, value))
				}
				continue
			}
			all = append(all, lacks(fields[key], value, path+"."+key)...)
		}
		return all
	case []any:
		items, _ := got.([]any)
		for i, value := range want {
			next := slices.IndexFunc(items, func(item any) bool { return lacks(item, value, "") == nil })
			if next < 0 {
				return []string{fmt.Sprintf("%s has no item %d: %v; it is %v", path, i, value, got)}
			}
			items = items[next+1:]
		}
		return nil
	}
	if !reflect.DeepEqual(got, want) {
		return []string{fmt.Sprintf("%s is %v, not %v", path, got, want)}
	}
	return nil
}

func lengthOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

// TestStarterRefuses holds that what the API server would refuse, or would take for something else,
// is told where it was written: in the inventory, by the variable; in a template, by its line.
func TestStarterRefuses(t *testing.T) {
	const source, deployment, prodFile = "../..", "templates/_shared/deployment.tmpl", "environments/prod.yaml"
	for i, c := range []struct {
		name, env      string
		file, old, new string
		want           string // code, file and message
		place          string // the inventory's; "" where want has it
	}{
		{"drain above grace", "prod", prodFile, "  replicas: 3\n", "  replicas: 3\n  drain_seconds: 100\n", "MG506 " + deployment, prodFile + ":17:18: .Vars.drain_seconds is 100"},
		{"least above most", "prod", prodFile, "max: 24", "max: 3", "MG506 templates/service/hpa.yaml.tmpl", prodFile + ":23:14: .Vars.hpa.max is 3"},
		{"limit below request", "prod", prodFile, "limits: {memory: 1Gi}", "limits: {memory: 256Mi}", "MG506 " + deployment, prodFile + ":27:39: .Vars.resources.requests.memory"},
		{"schedule", "prod", "users.yaml", `"0 7 * * 1"`, `"0 7 * *"`, "MG506 templates/service/cronjobs.yaml.tmpl", `users.yaml:62:21: .Vars.jobs[1].schedule is "0 7 * *"`},
		{"time zone", "prod", "templates/variables.yaml", "Asia/Tokyo", "Asia/Tokio", "MG506 templates/service/cronjobs.yaml.tmpl", "templates/variables.yaml:"},
		{"AMI alias", "prod", prodFile, "al2023@v20251023", "al2023-v20251023", "MG117 " + prodFile + ":17:20: the variable karpenter.ami", ""},
		{"home of Argo CD", "prod", "templates/variables.yaml", "argocd_home: prod", "argocd_home: prd", "MG117 templates/variables.yaml:", ""},
		{"time of NGINX", "sandbox", "environments/sandbox.yaml", "read_timeout: 300s", "read_timeout: 5 min", "MG117 environments/sandbox.yaml:", ""},
		{"name of a cron job", "prod", "users.yaml", "name: clean-sessions", "name: clean-sessions-that-nobody-has-used-for-a-long-time", "MG506 templates/_shared/metadata.tmpl", "users.yaml:58:17: .Vars.jobs[0].name"},
		{"user and service", "sandbox", "users.yaml", "name: bob", "name: bob-the-builder-of-everything-that-anybody-needs-here-today", "MG506 templates/_shared/metadata.tmpl", "users.yaml:71:11: .User.Name"},
		{"yes without quotes", "prod", deployment, "- name: {{ $name }}\n    value: {{ $value }}", "- name: {{ $name }}\n    value: yes", "MG504 " + deployment, ""},
		{"a number for a label", "prod", "templates/_shared/metadata.tmpl", "part-of: {{ .scope.Env.Name }}", "part-of: 12e4", "MG504 templates/_shared/metadata.tmpl", ""},
		{"a mode for an annotation", "prod", deployment, `reloader.stakater.com/auto: "true"`, "mode: 0644", "MG504 " + deployment, ""},
		{"an image with capitals", "prod", "users.yaml", ".amazonaws.com/api", ".amazonaws.com/Api", "MG110 users.yaml:20:12", ""},
	} {
		if !testmain.Tried(i) {
			continue
		}
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(source, c.file))
			if err != nil {
				t.Fatal(err)
			}
			edited := strings.Replace(string(text), c.old, c.new, 1)
			_, err = (&renderOptions{source: source, out: t.TempDir(), envs: []string{c.env}, edits: map[string][]byte{c.file: []byte(edited)}}).plan()
			var told strings.Builder
			found := false
			for _, p := range problem.All(err) {
				line := string(p.Code) + " " + p.Error() + "\n"
				for _, note := range p.Notes {
					line += "  " + note.String() + "\n"
				}
				line = strings.ReplaceAll(line, source+"/", "")
				told.WriteString(line)
				found = found || strings.HasPrefix(line, c.want) && strings.Contains(line, c.place)
			}
			if edited == string(text) || !found {
				t.Errorf("edited: %t; want %s, with %s; told is\n%s", edited != string(text), c.want, c.place, &told)
			}
		})
	}
}

// TestSystemsPage holds the table of docs/starter.md to the templates and tests that it names.
func TestSystemsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/starter.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`((?:templates|environments)/[a-z_./-]+\\.(?:tmpl|yaml))`").FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Error(err)
		}
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile("`TestSystems/([a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		shown[m[1]] = true
	}
	for _, system := range starterSystems {
		name := strings.ReplaceAll(system.name, " ", "_")
		if !shown[name] {
			t.Errorf("docs/starter.md does not name TestSystems/%s", name)
		}
		delete(shown, name)
	}
	for name := range shown {
		t.Errorf("docs/starter.md names TestSystems/%s, which is not there", name)
	}
}
