package deploy

import (
	"cmp"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// semantic is a version by semver.org's specification, 2.0.0, with an optional v before
// it.
var semantic = lazyregexp.New(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$`)

// compareVersions returns the precedence of two versions, as cmp.Compare does; ok is
// false where one of them is none.
func compareVersions(a, b string) (order int, ok bool) {
	x, y := semantic.FindStringSubmatch(a), semantic.FindStringSubmatch(b)
	if x == nil || y == nil {
		return 0, false
	}
	for i := 1; i <= 3; i++ {
		if order := compareNumbers(x[i], y[i]); order != 0 {
			return order, true
		}
	}
	return comparePrereleases(x[4], y[4]), true
}

// comparePrereleases compares what is behind the first hyphen: none is newer than any,
// numbers compare as numbers and are older than words, more parts are newer than fewer.
func comparePrereleases(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(b), len(a))
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		var order int
		switch m, n := isDigits(x[i]), isDigits(y[i]); {
		case m && n:
			order = compareNumbers(x[i], y[i])
		case m:
			return -1
		case n:
			return 1
		default:
			order = strings.Compare(x[i], y[i])
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(x), len(y))
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// compareNumbers compares decimal numbers of any length, without leading zeros.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
