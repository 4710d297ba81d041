package rules

import (
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Annotation lists the rules that are switched off for an object: MG601, MG606.
const Annotation = "manifestgen-ignore"

// ignored is a code in the annotation.
type ignored struct {
	code  problem.Code
	place problem.Place
}

// readIgnored reads the annotation.
func readIgnored(annotations manifest.Value) []ignored {
	v, ok := annotations.Get(Annotation)
	if !ok {
		return nil
	}
	var list []ignored
	for code := range strings.SplitSeq(v.Text, ",") {
		list = append(list, ignored{problem.Code(strings.TrimSpace(code)), v.Place})
	}
	return list
}

var ignoreRule = &Rule{
	Code:  "MG600",
	Title: "an annotation that ignores nothing",
	Reason: "`" + Annotation + "` names rules to switch off for one object, such as `MG601` or `MG601, MG606`. Here it names no rule (the codes MG6xx), or one that\n" +
		"found nothing wrong with the object. Remove it, so that it does not hide the next mistake. Objects of one template are taken together.",
	Source: "docs/rules.md",
	Wrong: `apiVersion: v1
kind: ConfigMap
metadata:
  name: api
  annotations: {manifestgen-ignore: MG601}
data: {LOG_LEVEL: info}`,
	Mend: []string{"  annotations: {manifestgen-ignore: MG601}\n", ""},
}

// ignore leaves out the findings of rules that are switched off for their object, and reports
// annotations that ignore nothing.
func ignore(clusters []*Cluster, found []*Finding) []*Finding {
	type use struct{ source, code string }
	used := map[use]bool{}
	found = slices.DeleteFunc(found, func(f *Finding) bool {
		for _, i := range f.Object.ignored {
			if i.code == f.Rule.Code {
				used[use{f.Object.Source, string(i.code)}] = true
				return true
			}
		}
		return false
	})
	r := &report{rule: ignoreRule}
	for _, c := range clusters {
		for _, o := range c.Objects {
			for _, i := range o.ignored {
				rule := Find(i.code)
				switch {
				case rule == nil || rule == ignoreRule:
					r.add(o, i.place, "%q is the code of no rule", i.code).hint("%s", codeHint(i.code))
				case !used[use{o.Source, string(i.code)}] && (c.Whole || rule.cluster == nil):
					r.add(o, i.place, "the annotation %s: %s ignores nothing", Annotation, i.code).hint("remove it")
				}
			}
		}
	}
	return append(found, r.found...)
}

func codeHint(code problem.Code) string {
	var codes []string
	for _, rule := range table[1:] {
		codes = append(codes, string(rule.Code))
	}
	if near := problem.Nearest(string(code), codes); near != "" && len(code) == len(near) {
		return "the codes of rules are " + codes[0] + " to " + codes[len(codes)-1] + "; manifestgen explain CODE says what one means"
	}
	return "write codes such as " + codes[0] + ", separated by commas"
}
