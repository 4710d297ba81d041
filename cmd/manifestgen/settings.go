package main

import (
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// keyOfSetting matches what is before the first = that is in no bracket of a path, as in
// vars.ports[name=http] or vars.labels["a=b"].
var keyOfSetting = lazyregexp.New(`^(?:\["(?:[^"\\]|\\.)*"\]|\[[^"\]][^\]]*\]|[^=\[])+`)

// splitSetting splits KEY=VALUE; ok is false where there is no KEY or no =.
func splitSetting(text string) (key, value string, ok bool) {
	if m := keyOfSetting.FindStringSubmatch(text); m != nil {
		key = m[0]
	}
	value, ok = strings.CutPrefix(text[len(key):], "=")
	return key, value, ok && key != ""
}

// parseSetting reads a value at a path. The keys at the top of an environment's file, and
// of an entry of users.yaml, are texts; below them a value is what YAML says.
func parseSetting(key, value string) (inventory.Setting, error) {
	path, err := manifest.ParsePath(key)
	if err != nil {
		return inventory.Setting{}, err
	}
	return inventory.Setting{Path: path, Value: settingValue(key, value)}, nil
}

func settingValue(key, text string) manifest.Value {
	file, err := manifest.Parse("--set", []byte(text))
	if err != nil || inventory.IsTextKey(key) {
		return manifest.NewString(text)
	}
	values, err := file.Values()
	if err != nil || len(values) != 1 {
		return manifest.NewString(text)
	}
	return values[0]
}

// environmentSettings reads the settings of an environment: KEY=VALUE.
func environmentSettings(list []string) (settings []inventory.Setting, problems problem.List) {
	const example = "write it as in domain=qa.example.com or vars.replicas=2"
	for _, text := range list {
		key, value, ok := splitSetting(text)
		setting, err := parseSetting(key, value)
		switch {
		case !ok:
			problems.Add(problem.New(example, "--set %q is not KEY=VALUE", text))
		case err != nil:
			problems.Add(problem.New(example, "--set %q: %v", text, err))
		default:
			settings = append(settings, setting)
		}
	}
	return settings, problems
}

// serviceSettings reads the settings of a service: KEY=VALUE, and ENVIRONMENT:KEY=VALUE for
// those that it has in one environment.
func serviceSettings(list []string) (settings []inventory.Setting, in map[string][]inventory.Setting, problems problem.List) {
	const example = "write it as in vars.replicas=2, or prod:vars.replicas=2 for one environment"
	in = map[string][]inventory.Setting{}
	for _, text := range list {
		key, value, ok := splitSetting(text)
		env, below, one := strings.Cut(key, ":")
		if one = one && !strings.ContainsAny(env, `.["`); one { // else the colon is in the key
			key = below
		}
		setting, err := parseSetting(key, value)
		switch {
		case !ok || one && env == "":
			problems.Add(problem.New(example, "--set %q is not KEY=VALUE", text))
		case err != nil:
			problems.Add(problem.New(example, "--set %q: %v", text, err))
		case one:
			in[env] = append(in[env], setting)
		default:
			settings = append(settings, setting)
		}
	}
	return settings, in, problems
}
