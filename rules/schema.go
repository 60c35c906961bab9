package rules

import (
	"encoding/json"
	"fmt"
)

// Schema is the JSON Schema (draft 7, which editors know best) of policy files, of common.yaml and of *_test.yaml: what a
// file is, its members tell. It holds what can be said without a site: names, shapes and words, not what expressions mean.
func Schema() []byte {
	root := object{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"title":   "A policy, common.yaml or a policy test of Magpie",
		"if":      object{"anyOf": []object{{"required": []string{"tests"}}, {"required": []string{"site"}}}},
		"then":    object{"$ref": "#/definitions/test"},
		"else": object{
			"if":   object{"anyOf": []object{{"required": []string{"lists"}}, {"required": []string{"macros"}}}},
			"then": object{"$ref": "#/definitions/common"},
			"else": object{"$ref": "#/definitions/policy"},
		},
		"definitions": object{"policy": mapping(PolicyMembers), "common": mapping(CommonMembers), "test": mapping(TestMembers)},
	}
	policy := root["definitions"].(object)["policy"].(object)
	policy["anyOf"] = []object{{"required": []string{"prior", "evidence"}}, {"required": []string{"score"}}}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // it holds nothing but maps, lists, texts and numbers
	}
	return append(b, '\n')
}

// object is a part of a schema; it marshals with its keys in order.
type object = map[string]any

// mapping is a mapping of these members and no others.
func mapping(of []Member) object {
	properties, need := object{}, []string{}
	var instead []object
	pairs := map[string]bool{}
	for i := range of {
		m := &of[i]
		s := m.schema()
		if m.Doc != "" {
			s["description"] = m.Doc
		}
		properties[m.Name] = s
		if m.Need {
			need = append(need, m.Name)
		}
		for _, other := range m.Instead {
			if !pairs[other+" "+m.Name] {
				pairs[m.Name+" "+other] = true
				instead = append(instead, object{"not": object{"required": []string{m.Name, other}}})
			}
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false, "required": need}
	if properties["weight"] != nil { // evidence weighs in one of three ways
		s["anyOf"] = []object{{"required": []string{"weight"}}, {"required": []string{"clears"}}, {"required": []string{"lr"}}}
	}
	if len(instead) > 0 {
		s["allOf"] = instead
	}
	return s
}

const (
	someText      = `\S`
	skuPattern    = `^[0-9]{1,14}$`
	durationTexts = `^([0-9]{1,5}[dwy]|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$`
)

func (m *Member) schema() object {
	texts := func(pattern string) object { return object{"type": "string", "pattern": pattern} }
	switch m.Form {
	case ID:
		return texts(fmt.Sprintf(`^[A-Za-z0-9_-]{1,%d}$`, maxID))
	case OneWord:
		words := []any{}
		for _, w := range m.Words {
			words = append(words, w.Name)
			switch w.Name { // what YAML reads as more than a word
			case "true", "false":
				words = append(words, w.Name == "true")
			case "null":
				words = append(words, nil)
			}
		}
		return object{"enum": words}
	case Number:
		return object{"type": "number", "minimum": m.Least, "maximum": m.Most}
	case Share:
		return object{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
	case Threshold:
		return object{"type": "number", "exclusiveMinimum": 0, "maximum": 1}
	case Cost:
		return object{"anyOf": []object{{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {"const": "cost"}}}
	case Flag:
		return object{"type": "boolean"}
	case Duration, Moment:
		if m.Form == Moment {
			return texts(`^(end|0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$`)
		}
		return texts(durationTexts)
	case Truth, Quality, Plain:
		return object{"type": []string{"string", "number", "boolean"}}
	case Needed:
		words := func(of []Word) string {
			all := ""
			for i, w := range of {
				if i > 0 {
					all += "|"
				}
				all += w.Name
			}
			return all
		}
		return texts("^(" + words(ModalityWords) + ")(@(" + words(ZoneWords) + "))?$")
	case SKU:
		return texts(skuPattern)
	case Items:
		return object{"anyOf": []object{
			{"type": "array", "items": texts(skuPattern)},
			{"type": "object", "propertyNames": object{"pattern": skuPattern}, "additionalProperties": object{"type": "integer", "minimum": 1}},
		}}
	case Comparison:
		return texts(`^\s*(>=|<=|==|>|<)\s*[0-9.]+(e-?[0-9]+)?\s*$`)
	case LocalTime:
		return texts(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$`)
	case Mapping:
		return mapping(m.Of)
	case Free:
		one := m.Of[0].schema()
		if m.Of[0].Doc != "" {
			one["description"] = m.Of[0].Doc
		}
		return object{"type": []string{"object", "null"}, "additionalProperties": one}
	case List:
		s := object{"type": "array", "items": m.Of[0].schema()}
		if m.Need {
			s["minItems"] = 1
		}
		return s
	case OneOrMore:
		return object{"anyOf": []object{texts(someText), {"type": "array", "items": texts(someText)}}}
	}
	return texts(someText)
}
