//! What a workflow remembers from run to run.

use armature_store::{Event, Memory};
use serde_json::{Value, json};

use crate::world::World;

const TIER: &str = "role_type_defaults: { judge: small, researcher: small }\nmodel_tiers: { small: { provider: scripted, model: m, script: m.yml } }\n";

/// A stage that writes down what it is told.
const SEEN: &str = "  - { id: seen, tool_call: { name: file_write, args: { path: 'seen.json', content: \"{{ [_memory, _knowledge, _stale_memory_keys] | tojson }}\" } } }\n";

fn seen(world: &World) -> Value {
    serde_json::from_str(&world.read("seen.json").unwrap()).unwrap()
}

fn memory(world: &World) -> Memory {
    Memory::open(&world.dir.path().join("home/memory"), "test", None).unwrap()
}

fn said(world: &World) -> Vec<String> {
    let told = |event: &Event| match event {
        Event::PluginLog {
            plugin, message, ..
        } if plugin == "memory" => Some(message.clone()),
        _ => None,
    };
    world.watcher.all().iter().filter_map(told).collect()
}

#[tokio::test]
async fn captured_values_come_back_newest_first_with_their_type() {
    let world = World::new();
    let spec = format!(
        "{TIER}memory: {{ capture: [{{ stage: t, key: found, max_entries: 2 }}] }}\nstages:\n{SEEN}  - {{ id: t, output_mode: json, role: {{ name: r, type: worker, description: '{{{{ n }}}}' }} }}\n"
    );
    for (n, found) in [
        (1, "1"),
        (2, "{ a: [true] }"),
        (3, "\"three\""),
        (4, "null"),
    ] {
        world.file("m.yml", &format!("- {{ json: {{ found: {found} }} }}\n"));
        world.outputs(&spec, json!({"n": n})).await;
        if n == 1 {
            assert_eq!(
                seen(&world),
                json!([{}, null, null]),
                "the first run is told nothing"
            );
        }
    }
    assert_eq!(
        seen(&world)[0],
        json!({"t": {"found": ["three", {"a": [true]}]}})
    );
    assert_eq!(
        memory(&world).entries().unwrap().len(),
        2,
        "nothing is no value"
    );
}

fn judged() -> String {
    format!(
        "{TIER}memory: {{ capture: [{{ stage: draft, key: title, max_entries: 2 }}] }}\nstages:\n{SEEN}  - {{ id: draft, output_mode: json, role: {{ name: r, type: worker, description: 'draft {{{{ n }}}}' }} }}\n  - {{ id: judge, depends_on: [draft], output_mode: json, role: {{ name: j, type: judge, description: 'judge {{{{ n }}}}' }} }}\n"
    )
}

#[tokio::test]
async fn the_best_and_the_newest_are_kept_by_the_word_of_the_judge() {
    let world = World::new();
    for (n, score) in [(1, 0.9), (2, 0.0), (3, 0.4), (4, 0.1)] {
        world.file(
            "m.yml",
            &format!(
                "- {{ stage: draft, json: {{ title: 't{n}' }} }}\n- {{ stage: judge, json: {{ score: {score} }} }}\n"
            ),
        );
        world.outputs(&judged(), json!({"n": n})).await;
    }
    let kept: Vec<(Value, f64)> = memory(&world)
        .entries()
        .unwrap()
        .into_iter()
        .map(|entry| (entry.value, entry.quality))
        .collect();
    assert_eq!(kept, [(json!("t4"), 0.1), (json!("t1"), 0.9)]);
    world.outputs(&judged(), json!({"n": 5})).await;
    assert_eq!(seen(&world)[0], json!({"draft": {"title": ["t4", "t1"]}}));
}

#[tokio::test]
async fn a_fresh_run_is_told_nothing_and_still_leaves_something() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: draft, json: { title: t } }\n- { stage: judge, json: { score: 0.0 } }\n",
    );
    world.outputs(&judged(), json!({"n": 1})).await;
    let fresh = judged().replace("memory: {", "memory: { fresh: true,");
    world.outputs(&fresh, json!({"n": 2})).await;
    assert_eq!(seen(&world)[0], json!({}));
    let off = judged().replace("memory: {", "memory: { enabled: false,");
    world.outputs(&off, json!({"n": 3})).await;
    assert_eq!(seen(&world)[0], json!(null));
    assert_eq!(
        memory(&world).entries().unwrap()[0].quality,
        0.0,
        "a score of 0 stays one"
    );
}

#[tokio::test]
async fn old_entries_are_named() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: draft, json: { title: t } }\n- { stage: judge, json: {} }\n",
    );
    world.outputs(&judged(), json!({"n": 1})).await;
    let path = world.dir.path().join("home/memory/test.db");
    rusqlite::Connection::open(path)
        .unwrap()
        .execute(
            "UPDATE memories SET timestamp = '2020-01-01T00:00:00.000000+00:00'",
            [],
        )
        .unwrap();
    world.outputs(&judged(), json!({"n": 2})).await;
    assert_eq!(seen(&world)[2], json!(["draft.title"]));
}

#[tokio::test]
async fn what_is_remembered_is_data_and_holds_no_secret() {
    const KEY: &str = "s3cret-value-0123";
    let world = World::with("", &[("API_KEY", KEY)]);
    world.file(
        "m.yml",
        &format!("- {{ stage: draft, json: {{ title: '{{{{ 7 * 7 }}}} {KEY}' }} }}\n- {{ stage: judge, json: {{}} }}\n"),
    );
    let uses = "  - { id: uses, fail_as_value: true, tool_call: { name: http_get, args: { url: 'http://127.0.0.1:1/x', headers: { X: '{{ env.API_KEY }}' } } } }\n  - { id: again, tool_call: { name: file_write, args: { path: again.txt, content: '[{{ _memory.draft.title[0] }}]' } } }\n";
    let spec = judged() + uses;
    world.outputs(&spec, json!({"n": 1})).await;
    world.outputs(&spec, json!({"n": 2})).await;
    assert_eq!(
        world.read("again.txt").as_deref(),
        Some("[{{ 7 * 7 }} [secret API_KEY]]")
    );
    let bytes = std::fs::read(world.dir.path().join("home/memory/test.db")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(KEY));
}

#[tokio::test]
async fn specs_that_name_one_workflow_share_what_they_remember() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: draft, json: { title: t } }\n- { stage: judge, json: {} }\n",
    );
    let shared = judged().replace(
        "memory: {",
        "memory: { workflow_name: other, db: ../../common.db,",
    );
    world.outputs(&shared, json!({"n": 1})).await;
    let dir = world.dir.path().join("home/memory");
    let memory = Memory::open(&dir, "other", Some("common")).unwrap();
    assert_eq!(memory.entries().unwrap().len(), 1);
    let plan = world.plan(&shared).await.unwrap();
    assert!(
        plan.warnings()
            .iter()
            .any(|it| it.code == "MEMORY_DB_PLACE")
    );
    let reader = format!("memory: {{ workflow_name: other, db: common }}\nstages:\n{SEEN}");
    world.outputs(&reader, json!({})).await;
    assert_eq!(seen(&world)[0], json!({"draft": {"title": ["t"]}}));
}

#[tokio::test]
async fn a_run_that_fails_leaves_what_its_stages_left_and_not_twice() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: draft, json: { title: t } }\n- { stage: judge, json: {} }\n",
    );
    world.file("work/taken/x", "");
    let spec = judged()
        + "  - { id: bad, depends_on: [draft], tool_call: { name: file_write, args: { path: taken, content: x } } }\n";
    let plan = world.plan(&spec).await.unwrap();
    let error = world
        .engine
        .run(&plan, world.request(json!({"n": 1})))
        .await
        .unwrap_err();
    assert_eq!(memory(&world).entries().unwrap().len(), 1);
    let run = error.run_id().unwrap().clone();
    std::fs::remove_dir_all(world.dir.path().join("work/taken")).unwrap();
    world
        .engine
        .resume(&plan, run, world.request(json!({})))
        .await
        .unwrap();
    assert_eq!(memory(&world).entries().unwrap().len(), 1);
}

/// A workflow that looks something up and remembers what it found.
fn learning(more: &str) -> String {
    format!(
        "{TIER}mission: Tell people about drinks.\ncontracts: {{ inputs: [{{ name: topic }}] }}\nmemory: {{ extract_knowledge: true{more} }}\nstages:\n{SEEN}  - {{ id: look, role: {{ name: r, type: researcher, description: 'look up {{{{ topic }}}}' }} }}\n"
    )
}

const FOUND: &str = "- { stage: look, text: Oolong is partly oxidised. }\n- { stage: memory, contains: partly oxidised, json: { records: [ { type: fact, entity: oolong, fact: Oolong is partly oxidised tea, confidence: 0.9, sources: [look, nobody] }, { type: preference, entity: reader, fact: The reader likes short texts about rum, confidence: 0.7, sources: [look] } ] } }\n- { stage: memory, json: { records: [] } }\n";

#[tokio::test]
async fn facts_of_one_run_are_told_to_the_next_when_they_have_to_do_with_it() {
    let world = World::new();
    world.file("m.yml", FOUND);
    let spec = learning("");
    let first = world.run(&spec, json!({"topic": "oolong"})).await.unwrap();
    assert_eq!(seen(&world)[1], json!([]));
    assert_eq!(first.summary.spent.llm_calls, 2, "gathering is counted");
    let rows = world.traces(&first.run_id);
    assert!(
        rows.iter()
            .any(|row| row.kind == "memory" && row.input_tokens > 0)
    );

    world
        .outputs(&spec, json!({"topic": "which teas are there"}))
        .await;
    assert_eq!(
        seen(&world)[1],
        json!([{"type": "fact", "entity": "oolong", "fact": "Oolong is partly oxidised tea", "confidence": 0.9}])
    );
    world.outputs(&spec, json!({"topic": "wine"})).await;
    assert_eq!(
        seen(&world)[1],
        json!([]),
        "what has nothing to do with it is not told"
    );
    let known = memory(&world).records(true).unwrap();
    assert_eq!(known.len(), 2, "the same facts are not stored again");
    let fact = known
        .iter()
        .find(|record| record.entity == "oolong")
        .unwrap();
    let from: Vec<&str> = fact
        .provenance
        .iter()
        .map(|source| source.stage_id.as_str())
        .collect();
    assert_eq!(from[0], "look");
    assert!(
        !from.contains(&"nobody"),
        "a source that was not there is none"
    );
}

#[tokio::test]
async fn gathering_that_fails_fails_no_run() {
    let world = World::new();
    for (script, why) in [
        (
            "- { stage: look, text: x }\n- { stage: memory, fail: auth }\n",
            "no facts were gathered",
        ),
        (
            "- { stage: look, text: x }\n- { stage: memory, text: no json }\n",
            "not in the form",
        ),
    ] {
        world.file("m.yml", script);
        let report = world
            .run(&learning(""), json!({"topic": why}))
            .await
            .unwrap();
        assert_eq!(report.outputs["look"]["content"], "x");
        assert!(
            said(&world).last().unwrap().contains(why),
            "{:?}",
            said(&world)
        );
        let rows = world.traces(&report.run_id);
        assert!(
            rows.iter()
                .any(|row| row.kind == "memory" && !row.output_valid)
        );
    }
    world.file("m.yml", FOUND);
    let few = learning("").replace("contracts: {", "contracts: { max_llm_calls: 1,");
    let report = world.run(&few, json!({"topic": "oolong"})).await.unwrap();
    assert_eq!(
        report.summary.spent.llm_calls, 1,
        "a budget that is used up is used up"
    );
    assert!(memory(&world).records(true).unwrap().is_empty());
}

#[tokio::test]
async fn what_no_stage_may_see_is_not_shown_to_whoever_gathers_facts() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: look, text: x }\n- { stage: memory, contains: hidden-word, json: { records: [ { type: fact, entity: e, fact: f, confidence: 1, sources: [] } ] } }\n- { stage: memory, json: { records: [] } }\n",
    );
    let spec = learning("").replace("contracts:", "context_policy: { never: [pin] }\ncontracts:");
    let spec = spec.replace("[{ name: topic }]", "[{ name: topic }, { name: pin }]");
    world
        .outputs(&spec, json!({"topic": "tea", "pin": "hidden-word"}))
        .await;
    assert!(memory(&world).records(true).unwrap().is_empty());
}

#[tokio::test]
async fn a_memory_that_cannot_be_opened_stops_no_run() {
    let world = World::new();
    world.file("m.yml", FOUND);
    world.file("home/memory", "a file where the directory should be");
    let outputs = world
        .outputs(&learning(""), json!({"topic": "oolong"}))
        .await;
    assert_eq!(outputs["look"]["content"], "Oolong is partly oxidised.");
    assert!(!said(&world).is_empty(), "and it is said");
}

#[tokio::test]
async fn a_subagent_remembers_by_itself() {
    let world = World::new();
    let work = world.dir.path().join("work");
    world.file(
        "child.yml",
        &format!(
            "name: child\nsandbox: {{ host_workspace: '{}' }}\nmemory: {{ capture: [{{ stage: w, key: written }}] }}\nstages:\n  - {{ id: w, tool_call: {{ name: file_write, args: {{ path: c.json, content: '{{{{ _memory | tojson }}}}' }} }} }}\n",
            work.display()
        ),
    );
    let spec = "stages:\n  - { id: s, subagent_spec: child.yml }\n";
    world.outputs(spec, json!({})).await;
    world.outputs(spec, json!({})).await;
    let told: Value = serde_json::from_str(&world.read("c.json").unwrap()).unwrap();
    assert_eq!(told, json!({"w": {"written": ["c.json"]}}));
}

const TOOLS: &str =
    "memory.search_records, memory.get_records, memory.search_conversation, memory.get_run_trace";

/// A stage that looks around with these calls, then says what it found.
fn looking(calls: &str) -> (String, String) {
    let spec = learning(", navigation_tools: true")
        + &format!(
            "  - {{ id: around, depends_on: [look], role: {{ name: r, type: worker, description: 'around {{{{ topic }}}}', tools: [{TOOLS}] }} }}\n"
        );
    let script = format!(
        "{FOUND}- {{ stage: around, turn: 1, tool_calls: [{calls}] }}\n- {{ stage: around, turn: 2, text: done }}\n"
    );
    (spec, script)
}

/// What the calls of a tool gave, or why they did not.
fn results(world: &World) -> Vec<(String, Value)> {
    let result = |event: &Event| match event {
        Event::ToolResult(result) if result.plugin == "memory" => {
            Some((result.tool.clone(), result.result.clone()))
        }
        _ => None,
    };
    world.watcher.all().iter().filter_map(result).collect()
}

#[tokio::test]
async fn a_model_looks_around_in_the_memory_by_the_one_path_of_calls() {
    let world = World::new();
    let (spec, script) = looking(
        "{ name: memory.search_records, arguments: { query: oolong } }, { name: memory.get_records, arguments: { ids: [1, 99] } }, { name: memory.search_conversation, arguments: { query: oxidised, stage_id: look } }, { name: memory.get_run_trace, arguments: { stage_id: look } }",
    );
    world.file("m.yml", &script);
    world.outputs(&spec, json!({"topic": "oolong"})).await;
    world.watcher.events.lock().unwrap().clear();
    let second = world
        .run(&spec, json!({"topic": "black tea"}))
        .await
        .unwrap();
    let results = results(&world);
    let of = |tool: &str| &results.iter().find(|(name, _)| name == tool).unwrap().1;
    assert_eq!(
        of("memory.search_records")["records"][0]["entity"],
        "oolong"
    );
    let record = &of("memory.get_records")["records"];
    assert_eq!(record.as_array().unwrap().len(), 1);
    assert_eq!(record[0]["provenance"][0]["stage_id"], "look");
    let passage = &of("memory.search_conversation")["passages"][0];
    assert_eq!(passage["passage"], "Oolong is partly oxidised.");
    let trace = of("memory.get_run_trace");
    assert_eq!(trace["stages"][0]["stage_id"], "look");
    assert_ne!(
        trace["run_id"], second.outputs["run_id"],
        "not the run that asks"
    );
    let rows = world.traces(&second.run_id);
    let calls = rows.iter().filter(|row| row.kind == "tool");
    assert!(
        calls
            .clone()
            .all(|row| row.plugin.as_deref() == Some("memory") && row.success)
    );
    assert_eq!(calls.count(), 4);
}

#[tokio::test]
async fn what_a_stage_never_sees_it_does_not_find_either_and_rules_hold() {
    let world = World::new();
    let (spec, script) = looking(
        "{ name: memory.search_conversation, arguments: { query: oxidised } }, { name: memory.get_run_trace, arguments: {} }, { name: memory.search_records, arguments: { query: oolong } }, { name: memory.search_records, arguments: { query: [7] } }",
    );
    world.file("m.yml", &script);
    world.outputs(&spec, json!({"topic": "oolong"})).await;
    let closed = spec
        .replace("id: around,", "id: around, context_policy: { never: [look] },")
        .replace("stages:\n", "safety_rules: [{ tool: memory.search_records, action: block, message: no }]\nstages:\n");
    world.watcher.events.lock().unwrap().clear();
    let report = world
        .run(&closed, json!({"topic": "oolong"}))
        .await
        .unwrap();
    let results = results(&world);
    assert_eq!(
        results.len(),
        2,
        "a blocked call and a wrong one are not made: {results:?}"
    );
    // They are made side by side, and whichever is done first is written down first.
    let of = |tool: &str| &results.iter().find(|(name, _)| name == tool).unwrap().1;
    assert_eq!(of("memory.search_conversation")["passages"], json!([]));
    let told = of("memory.get_run_trace").to_string();
    assert!(!told.contains("\"look\""), "{told}");
    assert_eq!(report.summary.rogue_signals, 1);
}

#[tokio::test]
async fn the_tools_are_there_where_they_are_asked_for_and_allowed() {
    let world = World::new();
    let (spec, script) = looking("");
    world.file("m.yml", &script.replace("tool_calls: []", "text: x"));
    let without = spec.replace(", navigation_tools: true", "");
    assert!(world.codes(&without).await.contains(&"UNKNOWN_TOOL"));
    let refused = World::with("deny_plugins = [\"memory\"]\n", &[]);
    refused.file("m.yml", &script.replace("tool_calls: []", "text: x"));
    assert!(refused.codes(&spec).await.contains(&"DENIED_PLUGIN"));
    let (_, prompts) = world.prompts(&spec, json!({"topic": "oolong"})).await;
    let around = prompts
        .iter()
        .find(|said| said["stage_id"] == "around")
        .unwrap();
    let system = around["system_prompt"].as_str().unwrap();
    assert!(
        system.contains("- memory.search_records: Finds facts"),
        "{system}"
    );
}

#[tokio::test]
async fn what_a_stage_never_sees_it_is_not_told_of_earlier_runs_either() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { stage: draft, json: { title: hidden-title } }\n- { stage: judge, json: {} }\n",
    );
    let told = "  - { id: told, context_policy: { never: [draft] }, tool_call: { name: file_write, args: { path: told.txt, content: '{{ _memory }} {{ prior_run }}' } } }\n";
    let spec = judged().replace(
        "stages:\n",
        "continuation: { carry_forward: [{ key: draft.title }, { key: seen.written }] }\nstages:\n",
    ) + told;
    world.outputs(&spec, json!({"n": 1})).await;
    world.outputs(&spec, json!({"n": 2})).await;
    assert_eq!(
        seen(&world)[0],
        json!({"draft": {"title": ["hidden-title"]}})
    );
    let told = world.read("told.txt").unwrap();
    assert!(
        told.contains("seen.json") && !told.contains("hidden-title"),
        "{told}"
    );
}

#[tokio::test]
async fn weights_that_are_of_no_use_are_told_and_facts_are_found_by_their_words() {
    let world = World::new();
    world.file("home/embedding/config.json", "{}");
    let spec = format!(
        "{TIER}memory: {{ extract_knowledge: true }}\ncontracts: {{ inputs: [{{ name: about }}] }}\nstages:\n{SEEN}"
    );
    world.file(
        "m.yml",
        "- { stage: memory, json: { records: [{ type: fact, entity: green tea, fact: It is steamed, confidence: 0.9, sources: [seen] }] } }\n",
    );
    for _ in 0..2 {
        world.outputs(&spec, json!({"about": "tea"})).await;
        let told = said(&world);
        assert!(
            told.iter()
                .any(|said| said.contains("facts are found by their words")),
            "{told:?}"
        );
    }
    assert_eq!(seen(&world)[1][0]["entity"], "green tea");
}
