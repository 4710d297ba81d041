package problem

import (
	"fmt"
	"strings"
)

// DidYouMean returns a hint that names the known word nearest to word, or, where none is
// near, the first known words; "" where none is known.
func DidYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	const maxWords = 12
	switch {
	case len(known) == 0:
		return ""
	case len(known) > maxWords:
		return "valid values: " + strings.Join(known[:maxWords], ", ") + ", …"
	case len(known) == 1:
		return "valid value: " + known[0]
	}
	return "valid values: " + strings.Join(known, ", ")
}

// Nearest returns the known word that word is most likely a misspelling of: at most a third
// of its letters, and at least one, may be wrong, missing, added or swapped; case does not
// count. It is "" where no known word is near, and where word is empty.
func Nearest(word string, known []string) string {
	if word == "" {
		return ""
	}
	word = strings.ToLower(word)
	best, bestDistance := "", max(1, len([]rune(word))/3)+1
	for _, k := range known {
		if d := Distance(word, strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// Distance counts edits between a and b; a swap of neighbours counts as one
// (the optimal string alignment distance).
func Distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
