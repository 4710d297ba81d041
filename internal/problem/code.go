package problem

import (
	_ "embed"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// Code is a kind of problem. It stays the same when a message is worded anew. codes.md
// explains each; rules across objects have codes of their own, in package rules.
type Code string

// Problems of users.yaml, environments/ and templates/variables.yaml.
const (
	NotReadable     Code = "MG101"
	Missing         Code = "MG102"
	WrongType       Code = "MG103"
	UnknownKey      Code = "MG104"
	MissingKey      Code = "MG105"
	UnknownName     Code = "MG106"
	Twice           Code = "MG107"
	NotAName        Code = "MG108"
	NotValid        Code = "MG109"
	NotAnImage      Code = "MG110"
	UnknownVariable Code = "MG111"
	Circle          Code = "MG112"
	SamePlace       Code = "MG113"
	TooOld          Code = "MG114"
	NoEffect        Code = "MG115"
	NotASchema      Code = "MG116"
	AgainstSchema   Code = "MG117"
	Expires         Code = "MG118"
	NotChanged      Code = "MG119"
)

// Problems of templates, found before anything is rendered.
const (
	NoTemplate         Code = "MG201"
	Misplaced          Code = "MG202"
	NotATemplate       Code = "MG203"
	UnknownFunction    Code = "MG204"
	UnknownField       Code = "MG205"
	UndeclaredVariable Code = "MG206"
	UnknownTemplate    Code = "MG207"
	DefinedTwice       Code = "MG208"
)

// Problems of what templates render.
const (
	NotPrintable Code = "MG301"
	Failed       Code = "MG302"
	BrokenYAML   Code = "MG303"
	NotAnObject  Code = "MG304"
	WrongPlace   Code = "MG305"
	WrongTag     Code = "MG306"
	PathTwice    Code = "MG307"
	ObjectTwice  Code = "MG308"

	AmbiguousNumber Code = "MG309"
	JoinedLines     Code = "MG310"
)

// Problems of the files that are there.
const (
	InTheWay   Code = "MG401"
	Edited     Code = "MG402"
	Foreign    Code = "MG403"
	LineEnds   Code = "MG404"
	MassPrune  Code = "MG405"
	NoFirstTag Code = "MG406"
	Changed    Code = "MG407"
	Conflict   Code = "MG408"
)

// What the API server would say of the manifests.
const (
	NoSuchKind        Code = "MG501"
	DeprecatedVersion Code = "MG502"
	FieldUnknown      Code = "MG503"
	WrongFieldType    Code = "MG504"
	FieldRequired     Code = "MG505"
	ValueRefused      Code = "MG506"
	DuplicateEntry    Code = "MG507"
	ServerField       Code = "MG508"
	KindUnchecked     Code = "MG509"
	ServerWarns       Code = "MG510"
	WrongDefinition   Code = "MG511"
	PodSecurity       Code = "MG512"
)

//go:embed codes.md
var codes string

// Explanation says what a Code means.
type Explanation struct {
	Code  Code
	Title string
	Text  string // Markdown
}

var codeHeading = lazyregexp.New(`(?m)^## (MG\d{3}): (.*)\n`)

// Explanations returns those of every code, in their order.
func Explanations() []Explanation {
	var list []Explanation
	headings := codeHeading.FindAllStringSubmatchIndex(codes, -1)
	for i, at := range headings {
		end := len(codes)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		list = append(list, Explanation{Code(codes[at[2]:at[3]]), codes[at[4]:at[5]], strings.TrimSpace(codes[at[1]:end])})
	}
	return list
}
