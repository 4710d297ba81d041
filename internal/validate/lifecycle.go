package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

var stableVersion = lazyregexp.New(`^v[0-9]+$`)

// isStable reports whether an API server serves the version without being told to: alpha and beta
// versions of built-in groups are off.
func (o *object) isStable() bool { return stableVersion.MatchString(o.version) }

// lifecycle returns when the object's version goes; known is false where Kubernetes never had it.
func (o *object) lifecycle() (life lifecycle, known bool) {
	life, known = loadKubernetes().lives[o.groupVersionKind]
	return life, known
}

// deprecated warns of a version that a later Kubernetes does not serve.
func (v *Validator) deprecated(o *object) {
	life, _ := o.lifecycle()
	if life.deprecated == "" || compareMinors(v.minor, life.deprecated) < 0 {
		return
	}
	message := fmt.Sprintf("%s %s is deprecated since Kubernetes %s", o.apiVersion(), o.kind, life.deprecated)
	if life.removed != "" {
		message += fmt.Sprintf(", and not served from %s on", life.removed)
	}
	hint := ""
	if life.replacement != "" {
		hint = "use " + life.replacement
	}
	o.warn(problem.DeprecatedVersion, "apiVersion", o.source.KeyPlace("apiVersion"), hint, "%s", message)
}

// compareMinors compares "1.9" with "1.10".
func compareMinors(a, b string) int { return minorNumber(a) - minorNumber(b) }

func minorNumber(minor string) int {
	_, number, _ := strings.Cut(minor, ".")
	n, _ := strconv.Atoi(number)
	return n
}

// notServed reports a kind or version that neither the minor nor a definition has.
func (v *Validator) notServed(o *object) {
	k := loadKubernetes()
	var same, others []string // the versions that serve the kind; the kinds of this version
	for id, s := range k.kinds {
		if s.minors&v.bit == 0 || !stableVersion.MatchString(id.version) {
			continue
		}
		if id.kind == o.kind {
			same = append(same, id.apiVersion())
		}
		if id.apiVersion() == o.apiVersion() {
			others = append(others, id.kind)
		}
	}
	slices.SortFunc(same, func(a, b string) int { return o.preferred(a, b) })
	slices.Sort(others)
	life, everServed := o.lifecycle()
	// Where no minor has it, the message names none: it is the same for all environments.
	message := fmt.Sprintf("there is no kind %s in version %s", o.kind, o.apiVersion())
	hint := ""
	switch {
	case life.removed != "" && compareMinors(v.minor, life.removed) >= 0:
		message = fmt.Sprintf("%s %s is not served since Kubernetes %s", o.apiVersion(), o.kind, life.removed)
	case k.kinds[o.groupVersionKind] != nil && !o.isStable():
		message = fmt.Sprintf("%s %s is not served by default: it is not stable", o.apiVersion(), o.kind)
	case k.kinds[o.groupVersionKind] != nil:
		message = fmt.Sprintf("Kubernetes %s does not serve %s %s", v.minor, o.apiVersion(), o.kind)
	case slices.ContainsFunc(same, o.inGroup):
		message = fmt.Sprintf("%s %s is not served", o.apiVersion(), o.kind)
	}
	near := v.nearestCustom(o)
	if near != nil {
		hint = fmt.Sprintf("did you mean %s of %s?", near.Kind, near.Group)
	} else if len(same) > 0 {
		hint = "write apiVersion: " + same[0]
	} else if name := problem.Nearest(o.kind, others); name != "" {
		hint = fmt.Sprintf("did you mean %q?", name)
	}
	if !o.builtInGroup(len(same) > 0) && !everServed && near == nil {
		o.verdict.Unknown = true
		v.checkMetadata(o)
		if o.isKustomization() {
			return
		}
		hint = "put its CustomResourceDefinition into schemas/"
		if o.group == kustomizeGroup {
			hint = "kustomize reads it from a file kustomization.yaml; no cluster has this kind"
		}
		o.warn(problem.KindUnchecked, "", o.source.KeyPlace("kind"), hint, "%s %s is not known, so it is not checked", o.apiVersion(), o.kind)
		return
	}
	o.refuse(problem.NoSuchKind, "apiVersion", o.source.KeyPlace("apiVersion"), hint, "%s", message)
}

const kustomizeGroup = "kustomize.config.k8s.io"

// isKustomization reports whether an object is the kustomization of its folder: kustomize reads it,
// and no cluster gets it.
func (o *object) isKustomization() bool {
	file := "/" + o.source.Place.File
	return o.group == kustomizeGroup && (strings.HasSuffix(file, "/kustomization.yaml") || strings.HasSuffix(file, "/kustomization.yml"))
}

// inGroup reports whether an apiVersion is of the object's group.
func (o *object) inGroup(apiVersion string) bool {
	group, _, grouped := strings.Cut(apiVersion, "/")
	return grouped && group == o.group || !grouped && o.group == ""
}

// preferred orders apiVersions that serve the object's kind: first the replacement of its own, then
// those of its group, then the newest.
func (o *object) preferred(a, b string) int {
	rank := func(apiVersion string) int {
		group, _, _ := strings.Cut(apiVersion, "/")
		if life, _ := o.lifecycle(); life.replacement == apiVersion {
			return 0
		}
		if group == o.group {
			return 1
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return -strings.Compare(a, b)
}

// builtInGroup reports whether the object's group is one of Kubernetes itself: it has no dot, or
// serves a built-in kind. One that ends in .k8s.io counts where the kind has a built-in kind's
// name: custom kinds of such groups avoid these names.
func (o *object) builtInGroup(builtInKind bool) bool {
	if !strings.Contains(o.group, ".") || builtInKind && strings.HasSuffix(o.group, ".k8s.io") {
		return true
	}
	for id := range loadKubernetes().kinds {
		if id.group == o.group {
			return true
		}
	}
	return false
}

// checkMetadata checks the metadata of an object of an unknown kind.
func (v *Validator) checkMetadata(o *object) {
	meta, ok := o.source.Get("metadata")
	if !ok {
		return
	}
	v.walker(o, "").value(meta, &fieldType{kind: anObject, object: loadKubernetes().object("meta.v1.ObjectMeta")}, &path{key: "metadata"})
}

// customNotServed reports a version that a definition does not serve.
func (o *object) customNotServed(d *definition) {
	var versions []string
	for _, version := range d.crd.Spec.Versions {
		if version.Served {
			versions = append(versions, o.group+"/"+version.Name)
		}
	}
	o.refuse(problem.NoSuchKind, "apiVersion", o.source.KeyPlace("apiVersion"), "write apiVersion: "+strings.Join(versions, " or "),
		"the definition of %s does not serve version %s", o.kind, o.version)
}

// nearestCustom returns the kind of a definition that may have been meant, nil if there is none:
// one that differs by one letter in the kind, or by three in the group. A controller may have other
// kinds that are not known, so more is not taken for a typo.
func (v *Validator) nearestCustom(o *object) *schema.GroupKind {
	for _, id := range v.crds.known() {
		kind, group := strings.ToLower(id.Kind), strings.ToLower(id.Group)
		if group == o.group && problem.Distance(kind, strings.ToLower(o.kind)) <= 1 || id.Kind == o.kind && problem.Distance(group, o.group) <= 3 {
			return &id
		}
	}
	return nil
}
