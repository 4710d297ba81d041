package manifest

// Entry is a key and its value, both strings.
type Entry struct{ Key, Value string }

// EncodeStrings returns a document that is a map of strings, its entries in the
// order given. Each value reads as the string that it is.
func EncodeStrings(entries ...Entry) []byte {
	var out []byte
	for _, e := range entries {
		out = append(appendString(out, e.Key, false), ": "...)
		out = append(appendString(out, e.Value, false), '\n')
	}
	return out
}
