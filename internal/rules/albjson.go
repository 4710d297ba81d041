package rules

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

// ruleCondition is a condition of a rule of a load balancer, in the annotation conditions.SERVICE.
type ruleCondition struct {
	Field       string          `json:"field"`
	Host        *matchingValues `json:"hostHeaderConfig"`
	Path        *matchingValues `json:"pathPatternConfig"`
	Header      *matchingValues `json:"httpHeaderConfig"`
	Method      *matchingValues `json:"httpRequestMethodConfig"`
	Query       *matchingPairs  `json:"queryStringConfig"`
	SourceRange *matchingValues `json:"sourceIPConfig"`
}

// matchingValues are what a part of a request must be one of.
type matchingValues struct {
	Values  []string `json:"values"`
	Regexes []string `json:"regexValues"`
}

// matchingPairs are the parameters that a request must have one of.
type matchingPairs struct {
	Values []struct {
		Key   *string `json:"key"`
		Value string  `json:"value"`
	} `json:"values"`
}

// conditionFields are the fields of a condition, and where each has its values.
var conditionFields = map[string]string{
	"host-header": "hostHeaderConfig", "path-pattern": "pathPatternConfig", "http-header": "httpHeaderConfig",
	"http-request-method": "httpRequestMethodConfig", "query-string": "queryStringConfig", "source-ip": "sourceIPConfig",
}

// values returns the values of a condition by the name of its field.
func (c *ruleCondition) values(config string) *matchingValues {
	switch config {
	case "hostHeaderConfig":
		return c.Host
	case "pathPatternConfig":
		return c.Path
	case "httpHeaderConfig":
		return c.Header
	case "httpRequestMethodConfig":
		return c.Method
	case "sourceIPConfig":
		return c.SourceRange
	}
	if c.Query == nil {
		return nil
	}
	all := &matchingValues{}
	for _, pair := range c.Query.Values {
		all.Values = append(all.Values, pair.Value)
	}
	return all
}

// readConditions reads the annotation conditions.SERVICE as the controller does.
func readConditions(text string) ([]ruleCondition, error) {
	var list []ruleCondition
	if err := readJSON(text, &list); err != nil {
		return nil, err
	}
	for i, c := range list {
		config, known := conditionFields[c.Field]
		at := "condition " + strconv.Itoa(i+1) + ": "
		if !known {
			return nil, &hinted{at + "unknown field " + strconv.Quote(c.Field), problem.DidYouMean(c.Field, sortedKeys(conditionFields))}
		}
		v := c.values(config)
		switch {
		case v == nil:
			return nil, &hinted{at + "the field " + c.Field + " needs " + config, ""}
		case len(v.Values)+len(v.Regexes) == 0:
			return nil, &hinted{at + config + " has no values", ""}
		case len(v.Values) > 0 && len(v.Regexes) > 0:
			return nil, &hinted{at + config + " has both values and regexValues", "write one of the two"}
		case c.Query != nil && config == "queryStringConfig" && slices.Contains(v.Values, ""):
			return nil, &hinted{at + "a query string without a value", ""}
		}
	}
	return list, nil
}

// action is what a load balancer does with a request, in the annotation actions.NAME.
type action struct {
	Type       string  `json:"type"`
	Group      *string `json:"targetGroupARN"`
	GroupName  *string `json:"targetGroupName"`
	FixedReply *struct {
		StatusCode string `json:"statusCode"`
	} `json:"fixedResponseConfig"`
	Redirect *struct {
		StatusCode string `json:"statusCode"`
	} `json:"redirectConfig"`
	Forward *struct {
		Groups []targetGroup `json:"targetGroups"`
	} `json:"forwardConfig"`
}

// targetGroup is one of those that a forward shares requests between.
type targetGroup struct {
	ARN     *string      `json:"targetGroupARN"`
	Name    *string      `json:"targetGroupName"`
	Service *string      `json:"serviceName"`
	Port    *intOrString `json:"servicePort"`
	Weight  *int32       `json:"weight"`
}

// intOrString is a port: its number or its name.
type intOrString string

// UnmarshalJSON reads a number or a string.
func (p *intOrString) UnmarshalJSON(data []byte) error {
	var n int32
	if json.Unmarshal(data, &n) == nil {
		*p = intOrString(strconv.Itoa(int(n)))
		return nil
	}
	var s string
	err := json.Unmarshal(data, &s)
	*p = intOrString(s)
	return err
}

// maxForward is how many target groups an action may forward to.
const maxForward = 5

// readAction reads the annotation actions.NAME as the controller does.
func readAction(text string) (*action, error) {
	var a action
	if err := readJSON(text, &a); err != nil {
		return nil, err
	}
	fail := func(hint, format string, args ...any) error { return &hinted{fmt.Sprintf(format, args...), hint} }
	direct := a.Group != nil || a.GroupName != nil
	switch a.Type {
	case "fixed-response":
		if a.FixedReply == nil || a.FixedReply.StatusCode == "" {
			return nil, fail(`write "statusCode": "404", in quotes`, "a fixed-response needs fixedResponseConfig with a statusCode")
		}
	case "redirect":
		if a.Redirect == nil || a.Redirect.StatusCode == "" {
			return nil, fail(`write "statusCode": "HTTP_301"`, "a redirect needs redirectConfig with a statusCode")
		}
	case "forward":
		if direct == (a.Forward != nil) {
			return nil, fail("", "a forward needs forwardConfig, or targetGroupARN or targetGroupName, and not both")
		}
		if a.Forward != nil {
			return &a, checkForward(a.Forward.Groups)
		}
	default:
		return nil, fail(problem.DidYouMean(a.Type, []string{"fixed-response", "forward", "redirect"}), "unknown type %q", a.Type)
	}
	return &a, nil
}

func checkForward(groups []targetGroup) error {
	for i, g := range groups {
		at := "target group " + strconv.Itoa(i+1) + ": "
		named := g.ARN != nil || g.Name != nil
		switch {
		case named == (g.Service != nil):
			return &hinted{at + "it needs serviceName, or targetGroupARN or targetGroupName, and not both", ""}
		case g.Service != nil && g.Port == nil:
			return &hinted{at + "servicePort is missing", ""}
		case len(groups) > 1 && g.Weight == nil:
			return &hinted{at + "with several target groups, each needs a weight", ""}
		}
	}
	if len(groups) > maxForward {
		return &hinted{fmt.Sprintf("%d target groups: an action forwards to %d at most", len(groups), maxForward), ""}
	}
	return nil
}

// hinted is an error with a hint.
type hinted struct{ message, hint string }

func (h *hinted) Error() string { return h.message }

// readJSON reads JSON as the controller does: what it does not know is left out.
func readJSON(text string, to any) error {
	err := json.Unmarshal([]byte(text), to)
	wrong := (*json.UnmarshalTypeError)(nil)
	if errors.As(err, &wrong) {
		return &hinted{fmt.Sprintf("%s must not be a JSON %s", cmp.Or(wrong.Field, "the whole"), wrong.Value), ""}
	}
	if err != nil {
		return &hinted{"this is no JSON: " + err.Error(), ""}
	}
	return nil
}

// checkJSON says what is wrong with the JSON of an annotation, and what to do; "" where it is fine,
// or is no JSON.
func checkJSON(name, value string) (why, hint string) {
	var err error
	switch {
	case strings.HasPrefix(name, "conditions."):
		_, err = readConditions(value)
	case strings.HasPrefix(name, "actions."):
		_, err = readAction(value)
	case strings.HasPrefix(name, "transforms."):
		err = checkTransforms(value)
	case name == "listen-ports":
		err = checkListenPorts(value)
	case name == "auth-idp-cognito", name == "auth-idp-oidc", name == "jwt-validation":
		var any map[string]any
		err = readJSON(value, &any)
	case name == "mutual-authentication":
		var entries []struct {
			Port int    `json:"port"`
			Mode string `json:"mode"`
		}
		if err = readJSON(value, &entries); err == nil {
			for _, e := range entries {
				if modes := []string{"off", "passthrough", "verify"}; !slices.Contains(modes, e.Mode) {
					err = &hinted{"unknown mode " + strconv.Quote(e.Mode), problem.DidYouMean(e.Mode, modes)}
				}
			}
		}
	}
	wrong := (*hinted)(nil)
	if errors.As(err, &wrong) {
		return wrong.message, wrong.hint
	}
	return "", ""
}

const listenPortsHint = `write it as '[{"HTTP": 80}, {"HTTPS": 443}]'`

func checkListenPorts(value string) error {
	var entries []map[string]int32
	if err := readJSON(value, &entries); err != nil {
		return &hinted{err.Error(), listenPortsHint}
	}
	if len(entries) == 0 {
		return &hinted{"no port is listened on", listenPortsHint}
	}
	for _, entry := range entries {
		for _, protocol := range sortedKeys(entry) {
			if port := entry[protocol]; port < 1 || port > 65535 {
				return &hinted{fmt.Sprintf("port %d is out of range", port), "from 1 to 65535"}
			}
			if protocol != "HTTP" && protocol != "HTTPS" {
				return &hinted{"unknown protocol " + strconv.Quote(protocol), problem.DidYouMean(protocol, []string{"HTTP", "HTTPS"})}
			}
		}
	}
	return nil
}

func checkTransforms(value string) error {
	type rewrites struct {
		Rewrites []struct {
			Regex, Replace string
		} `json:"rewrites"`
	}
	var list []struct {
		Type string    `json:"type"`
		Host *rewrites `json:"hostHeaderRewriteConfig"`
		URL  *rewrites `json:"urlRewriteConfig"`
	}
	if err := readJSON(value, &list); err != nil {
		return err
	}
	for _, t := range list {
		config, of := "urlRewriteConfig", t.URL
		switch t.Type {
		case "url-rewrite":
		case "host-header-rewrite":
			config, of = "hostHeaderRewriteConfig", t.Host
		default:
			return &hinted{"unknown type " + strconv.Quote(t.Type), problem.DidYouMean(t.Type, []string{"host-header-rewrite", "url-rewrite"})}
		}
		if of == nil || len(of.Rewrites) == 0 {
			return &hinted{"the type " + t.Type + " needs " + config + " with rewrites", ""}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
