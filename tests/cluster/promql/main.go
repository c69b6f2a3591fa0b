// Prometheus' own parsers: of rules, whose file is an argument, and of queries, of which a JSON list
// is read. What they cannot read is an error; of the others it says which series they ask for.
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"`
}

type query struct {
	Error     string     `json:"error"`
	Selectors []selector `json:"selectors"`
}

func read(text string) query {
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return query{Error: err.Error()}
	}
	found := query{Selectors: []selector{}}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if series, ok := node.(*parser.VectorSelector); ok {
			found.Selectors = append(found.Selectors, of(series.LabelMatchers))
		}
		return nil
	})
	return found
}

func of(matchers []*labels.Matcher) selector {
	made := selector{Labels: []string{}}
	for _, matcher := range matchers {
		if matcher.Name == model.MetricNameLabel {
			made.Metric = matcher.Value
		} else {
			made.Labels = append(made.Labels, matcher.Name)
		}
	}
	return made
}

func main() {
	for _, file := range os.Args[1:] {
		_, errs := rulefmt.ParseFile(
			file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default(),
		)
		for _, err := range errs {
			fmt.Fprintln(os.Stderr, err)
		}
		if len(errs) > 0 {
			os.Exit(1)
		}
	}
	var queries []string
	if err := json.NewDecoder(os.Stdin).Decode(&queries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := []query{}
	for _, text := range queries {
		answers = append(answers, read(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
