package validate

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/apis/core"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/networking/servicecidr"
	"k8s.io/kubernetes/pkg/registry/node/runtimeclass"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/csidriver"
	"k8s.io/kubernetes/pkg/registry/storage/csinode"
	"k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattachment"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass"
)

// strategies are the API server's own rules for the creation of each built-in kind.
var strategies = sync.OnceValue(func() map[schema.GroupKind]rest.RESTCreateStrategy {
	return map[schema.GroupKind]rest.RESTCreateStrategy{
		{Group: "", Kind: "ConfigMap"}:             creation[*core.ConfigMap]{validate: corevalidation.ValidateConfigMap},
		{Group: "", Kind: "Endpoints"}:             createEndpoints,
		{Group: "", Kind: "LimitRange"}:            limitrange.Strategy,
		{Group: "", Kind: "Namespace"}:             createNamespace,
		{Group: "", Kind: "PersistentVolume"}:      createPersistentVolume,
		{Group: "", Kind: "PersistentVolumeClaim"}: createPersistentVolumeClaim,
		{Group: "", Kind: "Pod"}:                   createPod,
		{Group: "", Kind: "PodTemplate"}:           podtemplate.Strategy,
		{Group: "", Kind: "ReplicationController"}: createReplicationController,
		{Group: "", Kind: "ResourceQuota"}:         resourcequota.Strategy,
		{Group: "", Kind: "Secret"}:                createSecret,
		{Group: "", Kind: "Service"}:               createService,
		{Group: "", Kind: "ServiceAccount"}:        createServiceAccount,

		{Group: "apps", Kind: "ControllerRevision"}: controllerrevision.Strategy,
		{Group: "apps", Kind: "DaemonSet"}:          daemonset.Strategy,
		{Group: "apps", Kind: "Deployment"}:         deployment.Strategy,
		{Group: "apps", Kind: "ReplicaSet"}:         createReplicaSet,
		{Group: "apps", Kind: "StatefulSet"}:        statefulset.Strategy,

		{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: horizontalpodautoscaler.Strategy,

		{Group: "batch", Kind: "CronJob"}: cronjob.Strategy,
		{Group: "batch", Kind: "Job"}:     createJob,

		{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}: createSigningRequest,
		{Group: "coordination.k8s.io", Kind: "Lease"}:                     lease.Strategy,
		{Group: "discovery.k8s.io", Kind: "EndpointSlice"}:                createEndpointSlice,

		{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"}:                 flowschema.Strategy,
		{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}: prioritylevelconfiguration.Strategy,

		{Group: "networking.k8s.io", Kind: "Ingress"}:       ingress.Strategy,
		{Group: "networking.k8s.io", Kind: "IngressClass"}:  ingressclass.Strategy,
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}: networkpolicy.Strategy,
		{Group: "networking.k8s.io", Kind: "ServiceCIDR"}:   servicecidr.Strategy,

		{Group: "node.k8s.io", Kind: "RuntimeClass"}:   runtimeclass.Strategy,
		{Group: "policy", Kind: "PodDisruptionBudget"}: poddisruptionbudget.Strategy,

		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:        clusterrole.Strategy,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: clusterrolebinding.Strategy,
		{Group: "rbac.authorization.k8s.io", Kind: "Role"}:               role.Strategy,
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:        rolebinding.Strategy,

		{Group: "scheduling.k8s.io", Kind: "PriorityClass"}: priorityclass.Strategy,

		{Group: "storage.k8s.io", Kind: "CSIDriver"}:             csidriver.Strategy,
		{Group: "storage.k8s.io", Kind: "CSINode"}:               csinode.Strategy,
		{Group: "storage.k8s.io", Kind: "CSIStorageCapacity"}:    csistoragecapacity.Strategy,
		{Group: "storage.k8s.io", Kind: "StorageClass"}:          storageclass.Strategy,
		{Group: "storage.k8s.io", Kind: "VolumeAttachment"}:      volumeattachment.Strategy,
		{Group: "storage.k8s.io", Kind: "VolumeAttributesClass"}: volumeattributesclass.Strategy,

		{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}:     createMutatingWebhooks,
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}:        createAdmissionPolicy,
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}: createAdmissionBinding,
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}:   createValidatingWebhooks,
	}
})
