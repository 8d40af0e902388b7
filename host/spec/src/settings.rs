//! Settings that the inputs of a run decide: `model: "{{ model | default('gpt-4o-mini') }}"`.
//!
//! A few texts are read before anything runs and may still name inputs (the table below). They are filled in before the
//! tree becomes types, from the inputs of the run and the defaults that the spec declares. What is put in is one value
//! and never YAML. A text that names a stage, or an input that is not there, stays as it is written. Rights, limits, tools,
//! the sandbox, other specs, and the addresses and keys of models are not in the table: whoever starts a run does not
//! decide those. Nor is a name filled in that some stage must never see (`context_policy`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    template::{EnvStyle, Template, has_template},
    yaml::{Node, NodeKind},
};

/// One step of a way into the tree; `*` is any key or number.
const ANY: &str = "*";

/// The texts that are filled in.
const PLACES: [&[&str]; 18] = [
    &["name"],
    &["description"],
    &["mission"],
    &["model_tiers", ANY, "provider"],
    &["model_tiers", ANY, "model"],
    &["model_tiers", ANY, "temperature"],
    &["model_tiers", ANY, "max_tokens"],
    &["skill_library", ANY, "description"],
    &["skill_library", ANY, "content"],
    &["context_layers", ANY, "content"],
    &["safety_rules", ANY, "message"],
    &["safety_rules", ANY, "condition", "value"],
    &["safety_rules", ANY, "conditions", ANY, "value"],
    &["roles", ANY, "name"],
    &["roles", ANY, "model_tier"],
    &["stages", ANY, "role", "name"],
    &["stages", ANY, "role", "model_tier"],
    &["stages", ANY, "timeout_s"],
];

/// Is a text at this place filled in?
pub(crate) fn is_filled_in(way: &[&str]) -> bool {
    PLACES.iter().any(|place| {
        place.len() == way.len()
            && place
                .iter()
                .zip(way)
                .all(|(step, key)| *step == ANY || step == key)
    })
}

/// Fills the settings in.
pub(crate) fn fill_in(root: &mut Node, inputs: &Map<String, Value>) {
    let mut given = defaults(root);
    given.extend(inputs.clone());
    let of_run = names_of_the_run(root);
    let filling = Filling {
        given: Value::Object(given),
        of_run,
    };
    for place in PLACES {
        filling.at(root, place);
    }
}

struct Filling {
    given: Value,
    /// Names that mean something only while a run goes on.
    of_run: BTreeSet<String>,
}

impl Filling {
    fn at(&self, node: &mut Node, way: &[&str]) {
        let Some((step, rest)) = way.split_first() else {
            self.fill(node);
            return;
        };
        match &mut node.kind {
            NodeKind::Scalar { .. } => {}
            NodeKind::List(nodes) => {
                if *step == ANY {
                    nodes.iter_mut().for_each(|node| self.at(node, rest));
                }
            }
            NodeKind::Map(entries) => {
                for entry in entries {
                    if *step == ANY || *entry.key == **step {
                        self.at(&mut entry.value, rest);
                    }
                }
            }
        }
    }

    fn fill(&self, node: &mut Node) {
        let NodeKind::Scalar {
            value: value @ Value::String(_),
            text,
        } = &mut node.kind
        else {
            return;
        };
        if !has_template(text) {
            return;
        }
        let Ok(template) = Template::compile(text) else {
            return;
        };
        let is_of_run = |name: &str| name.starts_with('_') || self.of_run.contains(name);
        let needs = template.needs();
        if template.names().any(is_of_run)
            || needs.iter().any(|name| self.given.get(name).is_none())
        {
            return;
        }
        if let Ok(filled) = template.text(&self.given, EnvStyle::Literal) {
            *value = Value::String(filled.clone());
            *text = filled.into();
        }
    }
}

/// The defaults of the inputs that the spec declares.
fn defaults(root: &Node) -> Map<String, Value> {
    let inputs = root
        .entry("contracts")
        .and_then(|contracts| contracts.value.entry("inputs"));
    let Some(NodeKind::List(inputs)) = inputs.map(|inputs| &inputs.value.kind) else {
        return Map::new();
    };
    let with_default = inputs.iter().filter_map(|input| {
        let name = input.entry("name")?.value.to_value();
        let default = &input.entry("default")?.value;
        Some((name.as_str()?.to_owned(), default.to_value()))
    });
    with_default.collect()
}

/// Names that have no value before the run, or another one in each stage, or that some stage must not see.
fn names_of_the_run(root: &Node) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["run_id", "env", "item", "retry", "prior_run"]
        .map(str::to_owned)
        .into();
    let text = |node: Option<&Node>| match node.map(|node| &node.kind) {
        Some(NodeKind::Scalar { text, .. }) => Some(text.to_string()),
        _ => None,
    };
    let list = |node: Option<&Node>| match node.map(|node| &node.kind) {
        Some(NodeKind::List(nodes)) => nodes.clone(),
        _ => Vec::new(),
    };
    let of = |node: &Node, key: &str| node.entry(key).map(|entry| entry.value.clone());
    let stages = list(of(root, "stages").as_ref());
    names.extend(
        stages
            .iter()
            .filter_map(|stage| text(of(stage, "id").as_ref())),
    );
    let policies = std::iter::once(root)
        .chain(&stages)
        .filter_map(|holder| of(holder, "context_policy"))
        .chain(list(of(root, "context_layers").as_ref()));
    let never = policies.flat_map(|policy| list(of(&policy, "never").as_ref()));
    names.extend(never.filter_map(|name| text(Some(&name))));
    for (section, key) in [
        ("continuation", "inject_as"),
        ("memory", "inject_as"),
        ("memory", "inject_knowledge_as"),
    ] {
        let entry = root.entry(section).and_then(|it| it.value.entry(key));
        names.extend(text(entry.map(|it| &it.value)));
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Document, parse_for};

    fn read(text: &str, inputs: serde_json::Value) -> Document {
        parse_for("s", text, inputs.as_object().unwrap()).unwrap()
    }

    const TEXT: &str = "
name: '{{ name | default(\"hats\") }}'
mission: 'Decide on {{ objective }}.'
contracts: {inputs: [{name: objective}, {name: seconds, default: 5}]}
model_tiers:
  small: {provider: '{{ provider | default(\"openai\") }}', model: '{{ model | default(\"m\") }}'}
safety_rules:
- {tool: t, condition: {field: f, op: contains, value: '{{ objective }}'}, action: block, message: m}
stages:
- {id: a, timeout_s: '{{ seconds }}', role: {type: worker, description: '{{ objective }}'}}
- {id: b, gate: human, present: '{{ a.content }}'}
";

    #[test]
    fn settings_are_filled_in_from_inputs_and_defaults_and_templates_of_stages_are_not() {
        let document = read(
            TEXT,
            json!({"objective": "tea: {{ 7*7 }}\nname: y", "model": "big"}),
        );
        let spec = document.spec;
        assert_eq!(spec.name, "hats");
        assert_eq!(spec.mission, "Decide on tea: {{ 7*7 }}\nname: y.");
        let small = spec.model_tiers.iter().next().unwrap().1;
        assert_eq!(
            (small.provider.as_str(), small.model.as_str()),
            ("openai", "big")
        );
        assert_eq!(spec.stages[0].timeout_s, Some(5.0));
        let role = spec.stages[0].role.as_ref().unwrap();
        assert_eq!(role.description, "{{ objective }}");
        assert_eq!(spec.stages[1].present.as_deref(), Some("{{ a.content }}"));
        assert!(format!("{:?}", spec.safety_rules).contains("tea: {{ 7*7 }}"));
    }

    #[test]
    fn what_is_not_given_and_what_a_run_makes_stays_as_it_is_written() {
        let spec = read(TEXT, json!({})).spec;
        assert_eq!(spec.name, "hats");
        assert_eq!(spec.mission, "Decide on {{ objective }}.");
        let later = "
name: x
mission: '{{ a.content | default(\"nothing\") }} {{ prior_run.x | default(1) }}'
stages: [{id: a, gate: human}]
";
        let spec = read(later, json!({"a": 1})).spec;
        assert!(spec.mission.starts_with("{{ a.content"));
    }

    #[test]
    fn a_name_that_some_stage_must_never_see_is_not_filled_in() {
        let text = "
name: x
mission: 'Help {{ patient }} with {{ case }}.'
skill_library: {s: {id: s, description: d, content: '{{ case }}'}}
stages: [{id: a, context_policy: {never: [patient]}, role: {type: worker, description: d}}]
";
        let spec = read(text, json!({"patient": "Ada", "case": "tea"})).spec;
        assert!(spec.mission.contains("{{ patient }}"));
        assert!(format!("{:?}", spec.skill_library).contains("tea"));
    }

    #[test]
    fn rights_and_addresses_are_not_decided_by_inputs() {
        let text = "
name: x
sandbox: {host_workspace: '{{ dir }}'}
model_tiers: {small: {provider: p, model: m, api_base: '{{ dir }}', api_key_env: '{{ dir }}'}}
stages: [{id: a, subagent_spec: '{{ dir }}'}]
";
        let spec = read(text, json!({"dir": "/elsewhere"})).spec;
        assert_eq!(spec.sandbox.host_workspace, "{{ dir }}");
        let small = spec.model_tiers.iter().next().unwrap().1;
        assert_eq!(small.api_base.as_deref(), Some("{{ dir }}"));
        assert_eq!(small.api_key_env.as_deref(), Some("{{ dir }}"));
        assert_eq!(spec.stages[0].subagent_spec.as_deref(), Some("{{ dir }}"));
    }
}
