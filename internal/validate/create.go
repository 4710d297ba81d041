package validate

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/pkg/api/job"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/api/persistentvolume"
	"k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/apps"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/certificates"
	certificatesvalidation "k8s.io/kubernetes/pkg/apis/certificates/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/discovery"
	discoveryvalidation "k8s.io/kubernetes/pkg/apis/discovery/validation"
	"k8s.io/kubernetes/pkg/features"
	volumevalidation "k8s.io/kubernetes/pkg/volume/validation"
)

// creation is what the API server does when an object of type T is created. It stands in for the
// strategies of Kubernetes that would link the server's storage, its clients and its controllers:
// they call the same functions.
type creation[T runtime.Object] struct {
	cluster  bool    // objects have no namespace
	prepare  func(T) // sets what the server sets; may be nil
	validate func(T) field.ErrorList
	warnings func(context.Context, T) []string // may be nil
	gates    []featuregate.Feature             // that the rules in the type's tags ask for
}

var _ rest.DeclarativeValidationStrategy = creation[*core.Pod]{}

func (c creation[T]) ObjectKinds(object runtime.Object) ([]schema.GroupVersionKind, bool, error) {
	return legacyscheme.Scheme.ObjectKinds(object)
}

func (c creation[T]) Recognizes(kind schema.GroupVersionKind) bool {
	return legacyscheme.Scheme.Recognizes(kind)
}

func (c creation[T]) GenerateName(base string) string {
	return names.SimpleNameGenerator.GenerateName(base)
}

func (c creation[T]) NamespaceScoped() bool { return !c.cluster }

func (c creation[T]) PrepareForCreate(_ context.Context, object runtime.Object) {
	if c.prepare != nil {
		c.prepare(object.(T))
	}
}

func (c creation[T]) Validate(_ context.Context, object runtime.Object) field.ErrorList {
	return c.validate(object.(T))
}

func (c creation[T]) WarningsOnCreate(ctx context.Context, object runtime.Object) []string {
	if c.warnings == nil {
		return nil
	}
	return c.warnings(ctx, object.(T))
}

func (c creation[T]) Canonicalize(runtime.Object) {}

func (c creation[T]) ValidateDeclaratively(ctx context.Context, object, old runtime.Object, errs field.ErrorList, op operation.Type, config rest.DeclarativeValidationConfig) field.ErrorList {
	return rest.DeclarativeValidation{Scheme: legacyscheme.Scheme}.ValidateDeclaratively(ctx, object, old, errs, op, config)
}

func (c creation[T]) DeclarativeValidationConfig(context.Context, runtime.Object, runtime.Object) rest.DeclarativeValidationConfig {
	options := make(map[string]bool, len(c.gates))
	for _, gate := range c.gates {
		options[string(gate)] = utilfeature.DefaultFeatureGate.Enabled(gate)
	}
	return rest.DeclarativeValidationConfig{Options: options}
}

var createPod = creation[*core.Pod]{
	prepare: func(p *core.Pod) {
		p.Status = core.PodStatus{Phase: core.PodPending}
		pod.DropDisabledPodFields(p, nil)
		pod.DefaultPodLevelResources(p)
	},
	validate: func(p *core.Pod) field.ErrorList {
		options := pod.GetValidationOptionsFromPodSpecAndMeta(&p.Spec, nil, &p.ObjectMeta, nil)
		options.ResourceIsPod = true
		return corevalidation.ValidatePodCreate(p, options)
	},
	warnings: func(ctx context.Context, p *core.Pod) []string {
		return append(nameWarning(p.Name, "the Pod's hostname"), pod.GetWarningsForPod(ctx, p, nil)...)
	},
}

// nameWarning warns of a name that is no label, and becomes part of a host name.
func nameWarning(name, use string) []string {
	if wrong := utilvalidation.IsDNS1123Label(name); len(wrong) > 0 {
		return []string{fmt.Sprintf("metadata.name: this is used in %s, which can result in surprising behavior; a DNS label is recommended: %v", use, wrong)}
	}
	return nil
}

const podNames = "Pod names and hostnames"

var createReplicaSet = creation[*apps.ReplicaSet]{
	prepare: func(r *apps.ReplicaSet) { pod.DropDisabledTemplateFields(&r.Spec.Template, nil) },
	validate: func(r *apps.ReplicaSet) field.ErrorList {
		return appsvalidation.ValidateReplicaSet(r, pod.GetValidationOptionsFromPodTemplate(&r.Spec.Template, nil))
	},
	warnings: func(ctx context.Context, r *apps.ReplicaSet) []string {
		return append(nameWarning(r.Name, podNames), pod.GetWarningsForPodTemplate(ctx, field.NewPath("spec", "template"), &r.Spec.Template, nil)...)
	},
}

var createReplicationController = creation[*core.ReplicationController]{
	prepare: func(r *core.ReplicationController) { pod.DropDisabledTemplateFields(r.Spec.Template, nil) },
	validate: func(r *core.ReplicationController) field.ErrorList {
		return corevalidation.ValidateReplicationController(r, pod.GetValidationOptionsFromPodTemplate(r.Spec.Template, nil))
	},
	warnings: func(ctx context.Context, r *core.ReplicationController) []string {
		return append(nameWarning(r.Name, podNames), pod.GetWarningsForPodTemplate(ctx, field.NewPath("spec", "template"), r.Spec.Template, nil)...)
	},
}

var createJob = creation[*batch.Job]{
	gates: []featuregate.Feature{features.WorkloadWithJob},
	prepare: func(j *batch.Job) {
		selectOwnPods(j)
		j.Status = batch.JobStatus{}
		job.DropDisabledFields(&j.Spec, nil)
		pod.DropDisabledTemplateFields(&j.Spec.Template, nil)
	},
	validate: func(j *batch.Job) field.ErrorList {
		return batchvalidation.ValidateJobCreate(j, batchvalidation.JobValidationOptions{
			PodValidationOptions: pod.GetValidationOptionsFromPodTemplate(&j.Spec.Template, nil), RequirePrefixedLabels: true})
	},
	warnings: func(ctx context.Context, j *batch.Job) []string {
		return append(nameWarning(j.Name, podNames), job.WarningsForJobSpec(ctx, field.NewPath("spec"), &j.Spec, nil)...)
	},
}

// selectOwnPods gives a Job's pods the labels that its selector finds them by, unless a person says
// with manualSelector that they are there.
func selectOwnPods(j *batch.Job) {
	if j.Spec.ManualSelector != nil && *j.Spec.ManualSelector {
		return
	}
	labels := map[string]string{
		batch.JobNameLabel: j.Name, batch.LegacyJobNameLabel: j.Name,
		batch.ControllerUidLabel: string(j.UID), batch.LegacyControllerUidLabel: string(j.UID),
	}
	maps.Copy(labels, j.Spec.Template.Labels)
	j.Spec.Template.Labels = labels
	if j.Spec.Selector == nil {
		j.Spec.Selector = &metav1.LabelSelector{}
	}
	selected := map[string]string{batch.ControllerUidLabel: string(j.UID)}
	maps.Copy(selected, j.Spec.Selector.MatchLabels)
	j.Spec.Selector.MatchLabels = selected
}

var createPersistentVolume = creation[*core.PersistentVolume]{
	cluster: true,
	prepare: func(v *core.PersistentVolume) {
		v.Status = core.PersistentVolumeStatus{Phase: core.VolumePending}
		persistentvolume.DropDisabledSpecFields(&v.Spec, nil)
	},
	validate: func(v *core.PersistentVolume) field.ErrorList {
		errs := corevalidation.ValidatePersistentVolume(v, corevalidation.ValidationOptionsForPersistentVolume(v, nil))
		return append(errs, volumevalidation.ValidatePersistentVolume(v)...)
	},
	warnings: func(_ context.Context, v *core.PersistentVolume) []string {
		return persistentvolume.GetWarningsForPersistentVolume(v)
	},
}

var createPersistentVolumeClaim = creation[*core.PersistentVolumeClaim]{
	prepare: func(c *core.PersistentVolumeClaim) {
		c.Status = core.PersistentVolumeClaimStatus{}
		persistentvolumeclaim.DropDisabledFields(&c.Spec, nil)
		persistentvolumeclaim.EnforceDataSourceBackwardsCompatibility(&c.Spec, nil)
		persistentvolumeclaim.NormalizeDataSources(&c.Spec)
	},
	validate: func(c *core.PersistentVolumeClaim) field.ErrorList {
		return corevalidation.ValidatePersistentVolumeClaim(c, corevalidation.ValidationOptionsForPersistentVolumeClaim(c, nil))
	},
	warnings: func(_ context.Context, c *core.PersistentVolumeClaim) []string {
		return persistentvolumeclaim.GetWarningsForPersistentVolumeClaim(c)
	},
}

var createService = creation[*core.Service]{
	prepare:  func(s *core.Service) { s.Status = core.ServiceStatus{} },
	validate: corevalidation.ValidateServiceCreate,
	warnings: func(_ context.Context, s *core.Service) []string { return service.GetWarningsForService(s, nil) },
}

var createSecret = creation[*core.Secret]{
	validate: corevalidation.ValidateSecret,
	warnings: func(_ context.Context, s *core.Secret) []string {
		if s.Type != core.SecretTypeTLS {
			return nil
		}
		if _, err := tls.X509KeyPair(s.Data[core.TLSCertKey], s.Data[core.TLSPrivateKeyKey]); err != nil {
			return []string{err.Error()}
		}
		return nil
	},
}

// mountableSecrets is an annotation of a ServiceAccount that is deprecated.
const mountableSecrets = "kubernetes.io/enforce-mountable-secrets"

var createServiceAccount = creation[*core.ServiceAccount]{
	prepare: func(s *core.ServiceAccount) {
		for i := range s.Secrets {
			s.Secrets[i] = core.ObjectReference{Name: s.Secrets[i].Name}
		}
	},
	validate: corevalidation.ValidateServiceAccount,
	warnings: func(_ context.Context, s *core.ServiceAccount) []string {
		if _, ok := s.Annotations[mountableSecrets]; ok {
			return []string{"metadata.annotations[" + mountableSecrets + "]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"}
		}
		return nil
	},
}

var createNamespace = creation[*core.Namespace]{
	cluster: true,
	prepare: func(n *core.Namespace) { n.Status = core.NamespaceStatus{Phase: core.NamespaceActive} },
	validate: func(n *core.Namespace) field.ErrorList {
		return corevalidation.ValidateNamespace(n)
	},
}

var createSigningRequest = creation[*certificates.CertificateSigningRequest]{
	cluster: true,
	prepare: func(r *certificates.CertificateSigningRequest) {
		r.Spec.Username, r.Spec.UID, r.Spec.Groups, r.Spec.Extra = "", "", nil, nil
		r.Status = certificates.CertificateSigningRequestStatus{Conditions: []certificates.CertificateSigningRequestCondition{}}
	},
	validate: certificatesvalidation.ValidateCertificateSigningRequestCreate,
}

var createEndpoints = creation[*core.Endpoints]{
	validate: corevalidation.ValidateEndpointsCreate,
	warnings: func(_ context.Context, e *core.Endpoints) (warnings []string) {
		for i, subset := range e.Subsets {
			at := field.NewPath("subsets").Index(i)
			for j, address := range subset.Addresses {
				warnings = append(warnings, utilvalidation.GetWarningsForIP(at.Child("addresses").Index(j).Child("ip"), address.IP)...)
			}
			for j, address := range subset.NotReadyAddresses {
				warnings = append(warnings, utilvalidation.GetWarningsForIP(at.Child("notReadyAddresses").Index(j).Child("ip"), address.IP)...)
			}
		}
		return warnings
	},
}

var createEndpointSlice = creation[*discovery.EndpointSlice]{
	prepare: func(s *discovery.EndpointSlice) {
		for i := range s.Endpoints {
			s.Endpoints[i].DeprecatedTopology = nil // the field is not in v1
		}
	},
	validate: discoveryvalidation.ValidateEndpointSliceCreate,
	warnings: func(_ context.Context, s *discovery.EndpointSlice) (warnings []string) {
		if s.AddressType == discovery.AddressTypeFQDN {
			warnings = append(warnings, "addressType: FQDN endpoints are deprecated")
		}
		for i, endpoint := range s.Endpoints {
			for j, address := range endpoint.Addresses {
				warnings = append(warnings, utilvalidation.GetWarningsForIP(field.NewPath("endpoints").Index(i).Child("addresses").Index(j), address)...)
			}
		}
		return warnings
	},
}
