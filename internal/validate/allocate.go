package validate

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	apiservice "k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/core"

	"k8srepo/internal/problem"
)

// The node ports that an API server allocates from, unless it is started with
// --service-node-port-range.
const firstNodePort, lastNodePort = 30000, 32767

// allocate sets what an API server sets between defaulting and validation: what its allocators and
// the admission plugins that every cluster has would write. Validation requires some of it.
func (o *object) allocate(obj runtime.Object) {
	switch t := obj.(type) {
	case *core.Service:
		o.allocateService(t)
	case *core.Pod: // by the admission plugin ServiceAccount
		if t.Spec.ServiceAccountName == "" {
			t.Spec.ServiceAccountName = "default"
			t.Spec.DeprecatedServiceAccount = "default" //lint:ignore SA1019 the plugin writes both
		}
	}
}

func (o *object) allocateService(s *core.Service) {
	spec := &s.Spec
	if spec.ClusterIP != "" && len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if apiservice.NeedsHealthCheck(s) && spec.HealthCheckNodePort == 0 {
		spec.HealthCheckNodePort = lastNodePort
	}
	// The default where there is no policy.
	bothFamilies := spec.ClusterIP == core.ClusterIPNone && len(spec.Selector) == 0
	if p := spec.IPFamilyPolicy; spec.Type != core.ServiceTypeExternalName && (p == nil && !bothFamilies || p != nil && *p == core.IPFamilyPolicySingleStack) {
		for _, list := range []struct {
			n    int
			what string
		}{{len(spec.ClusterIPs), "cluster IPs"}, {len(spec.IPFamilies), "IP families"}} {
			if list.n > 1 {
				o.refuseField(field.Invalid(field.NewPath("spec", "ipFamilyPolicy"), core.IPFamilyPolicySingleStack,
					"must be 'RequireDualStack' or 'PreferDualStack' when multiple "+list.what+" are specified"))
			}
		}
	}
	for i, port := range spec.Ports {
		if port.NodePort < 0 || port.NodePort > math.MaxUint16 {
			o.refuseField(field.Invalid(field.NewPath("spec", "ports").Index(i).Child("nodePort"), port.NodePort, "must be between 1 and 65535, inclusive"))
			continue
		}
		if port.NodePort != 0 && (port.NodePort < firstNodePort || port.NodePort > lastNodePort) {
			name := fmt.Sprintf("spec.ports[%d].nodePort", i)
			o.warn(problem.ServerWarns, name, o.find(name, nil), "", "an API server takes %d to %d, unless it is started with another --service-node-port-range", firstNodePort, lastNodePort)
		}
	}
}
