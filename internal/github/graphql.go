package github

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v57/github"
)

// graphqlAnswer is the answer to a GraphQL document.
type graphqlAnswer struct {
	Data   json.RawMessage
	Errors graphqlErrors
}

// graphqlError is one of its errors. Type is GitHub's own; documents that do not
// fit the schema have none.
type graphqlError struct {
	Type    string
	Message string
	Path    []any
}

type graphqlErrors []graphqlError

func (e graphqlErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Message
	}
	return strings.Join(texts, "; ")
}

// query sends a GraphQL document and reads the answer's data into out. Errors
// beside data are errors too: out says what was done nevertheless.
func (c *Client) query(ctx context.Context, document string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.graphql, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.rest.UserAgent)
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := gh.CheckResponse(res); err != nil {
		return err
	}
	var answer graphqlAnswer
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("GraphQL: %w", err)
	}
	err = json.Unmarshal(answer.Data, out)
	if len(answer.Errors) > 0 {
		return answer.Errors
	}
	return err
}
