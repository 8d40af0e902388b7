//! Every key that must be there, and every word that must be one of a few: the error says which, and where.

use armature_spec::{Finding, parse, schema};
use serde_json::Value;

fn errors(text: &str) -> Vec<Finding> {
    let found = parse("s.yml", text).map_or_else(|findings| findings.0, |_| Vec::new());
    assert!(!found.is_empty(), "taken:\n{text}");
    found
}

/// The spec without the key, the key, and the line of the error.
const REQUIRED: &[(&str, &str, usize)] = &[
    ("stages: []", "name", 1),
    ("name: x", "stages", 1),
    ("name: x\nstages:\n- {gate: human}", "id", 3),
    (
        "name: x\nstages:\n- {id: a, role: {description: d}}",
        "type",
        3,
    ),
    (
        "name: x\nstages:\n- {id: a, role: {type: worker}}",
        "description",
        3,
    ),
    (
        "name: x\nstages:\n- {id: a, tool_call: {args: {}}}",
        "name",
        3,
    ),
    ("name: x\nstages: []\nadapters:\n  a: {cmd: ls}", "type", 4),
    (
        "name: x\nstages: []\nmodel_tiers:\n  small: {model: m}",
        "provider",
        4,
    ),
    (
        "name: x\nstages: []\nmodel_tiers:\n  own: {provider: p}",
        "model",
        4,
    ),
    (
        "name: x\nstages: []\nskill_library:\n  s: {id: s, content: c}",
        "description",
        4,
    ),
    (
        "name: x\nstages: []\nskill_library:\n  s: {description: d, content: c}",
        "id",
        4,
    ),
    (
        "name: x\nstages: []\nsafety_rules:\n- {tool: t, action: block, condition: {op: equals}}",
        "field",
        4,
    ),
    (
        "name: x\nstages: []\nsafety_rules:\n- {tool: t, action: block, condition: {field: f}}",
        "op",
        4,
    ),
    (
        "name: x\nstages: []\nmemory:\n  capture: [{key: k}]",
        "stage",
        4,
    ),
    (
        "name: x\nstages: []\nmemory:\n  capture: [{stage: s}]",
        "key",
        4,
    ),
    (
        "name: x\nstages: []\ncontinuation:\n  carry_forward: [{}]",
        "key",
        4,
    ),
    (
        "name: x\nstages: []\nmcp_servers:\n- {transport: stdio}",
        "name",
        4,
    ),
    (
        "name: x\nstages: []\nmcp_servers:\n- {name: n}",
        "transport",
        4,
    ),
    (
        "name: x\nstages: []\ntriggers:\n- {schedule: '* * * * *'}",
        "type",
        4,
    ),
    (
        "name: x\nstages: []\nfailures:\n  f: {recovery: r}",
        "condition",
        4,
    ),
    (
        "name: x\nstages: []\nfailures:\n  f: {condition: c}",
        "recovery",
        4,
    ),
];

#[test]
fn a_required_key_that_is_missing_is_named_where_it_is_missing() {
    for (text, key, line) in REQUIRED {
        let found = errors(text);
        let first = found
            .iter()
            .find(|finding| finding.message == format!("the key `{key}` is missing"))
            .unwrap_or_else(|| panic!("{key} is not missed in:\n{text}\n{found:#?}"));
        assert_eq!(first.code, "INVALID_VALUE");
        assert_eq!(first.at.map(|at| at.line), Some(*line), "{text}");
        assert_eq!(
            first.hint.as_deref(),
            Some(format!("add `{key}: …`").as_str())
        );
    }
}

/// The spec with a wrong word in it, and the type that lists the right ones.
const WORDS: &[(&str, &str)] = &[
    ("stages: []\nsafety_mode: §", "SafetyMode"),
    (
        "stages: [{id: a, role: {type: §, description: d}}]",
        "RoleType",
    ),
    (
        "stages: [{id: a, gate: human, output_mode: §}]",
        "OutputMode",
    ),
    (
        "stages: [{id: a, gate: human, on_parse_error: §}]",
        "OnParseError",
    ),
    ("stages: [{id: a, gate: human, fan_in: §}]", "FanIn"),
    ("stages: []\nsandbox: {mode: §}", "SandboxMode"),
    (
        "stages: []\nsafety_rules: [{tool: t, action: §}]",
        "SafetyAction",
    ),
    (
        "stages: []\nsafety_rules: [{tool: t, action: block, condition: {field: f, op: §}}]",
        "ConditionOp",
    ),
    (
        "stages: []\nmcp_servers: [{name: n, transport: §}]",
        "McpTransport",
    ),
    ("stages: []\ntriggers: [{type: §}]", "TriggerType"),
    (
        "stages: []\nadapters: {a: {type: script, cmd: ls, parse: §}}",
        "AdapterParse",
    ),
    (
        "stages: []\nself_improvement: {editable_surfaces: [§]}",
        "EditableSurface",
    ),
];

#[test]
fn a_word_that_is_none_of_the_few_is_refused_with_all_of_them() {
    let schema = schema();
    for (text, name) in WORDS {
        let found = errors(&format!("name: x\n{}", text.replace('§', "nonsense")));
        let finding = &found[0];
        assert!(
            finding
                .message
                .starts_with("`nonsense` is not allowed here; one of "),
            "{finding}"
        );
        let definition = &schema["$defs"][name];
        let words: Vec<&str> = definition["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|word| word["const"].as_str())
            .chain(
                definition["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            )
            .collect();
        assert!(!words.is_empty(), "{name}");
        for word in words {
            assert!(
                finding.message.contains(word),
                "{name} has {word}: {finding}"
            );
            let right = format!("name: x\n{}", text.replace('§', word));
            let left = parse("s", &right).map_or_else(|found| found.0, |_| Vec::new());
            assert!(
                left.iter()
                    .all(|finding| !finding.message.contains("is not allowed here")),
                "{right}"
            );
        }
    }
}

#[test]
fn every_enumeration_of_the_schema_has_a_case() {
    let schema = schema();
    let listed = |definition: &Value| {
        let words = definition["oneOf"].as_array();
        words.is_some_and(|words| words.iter().all(|word| word["const"].is_string()))
    };
    let all = schema["$defs"].as_object().into_iter().flatten();
    for (name, _) in all.filter(|(_, definition)| listed(definition)) {
        // What plugins may keep is the grants' own business.
        if name == "KvScope" {
            continue;
        }
        assert!(
            WORDS.iter().any(|(_, known)| known == name),
            "{name} has no case"
        );
    }
}
