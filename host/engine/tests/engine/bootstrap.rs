//! Examples of earlier runs in a stage's prompt.

use serde_json::json;

use crate::world::World;

fn spec(bootstrap: &str, schema: &str) -> String {
    format!(
        "role_type_defaults: {{ judge: small }}\nmodel_tiers: {{ small: {{ provider: scripted, model: m, script: m.yml }} }}\ncontracts: {{ inputs: [{{ name: topic }}] }}\nstages:\n  - {{ id: draft, output_mode: guided_json, output_schema: {{ type: object, required: [title]{schema} }}, {bootstrap} role: {{ name: r, type: worker, description: Draft. }} }}\n  - {{ id: judge, depends_on: [draft], output_mode: json, role: {{ name: j, type: judge, description: Judge. }} }}\n"
    )
}

/// What the model of a stage is shown: the script answers with another text where the prompt has this in it.
async fn run(world: &World, spec: &str, topic: &str, title: &str, score: f64) {
    world.file(
        "m.yml",
        &format!("- {{ stage: draft, contains: '## Examples', json: {{ title: has-examples }} }}\n- {{ stage: draft, json: {{ title: {title} }} }}\n- {{ stage: judge, json: {{ score: {score} }} }}\n"),
    );
    world.outputs(spec, json!({"topic": topic})).await;
}

async fn asked_with(world: &World, spec: &str, contains: &[&str]) -> bool {
    let found = contains.iter().enumerate().map(|(n, text)| {
        format!("- {{ stage: draft, contains: '{text}', json: {{ title: found-{n} }} }}\n")
    });
    let script: String = found.collect();
    world.file(
        "m.yml",
        &format!("{script}- {{ stage: draft, json: {{ title: nothing }} }}\n- {{ stage: judge, json: {{ score: 0.0 }} }}\n"),
    );
    let outputs = world.outputs(spec, json!({"topic": "now"})).await;
    outputs["draft"]["title"] != "nothing"
}

const WANTED: &str = "bootstrap: { examples: 1 },";

#[tokio::test]
async fn a_stage_is_shown_how_it_was_done_well_before_and_only_where_it_asks() {
    let world = World::new();
    let plain = spec("", "");
    run(&world, &plain, "tea", "poor", 0.3).await;
    run(&world, &plain, "rum", "good", 0.9).await;
    run(&world, &plain, "gin", "best", 0.95).await;
    assert!(!asked_with(&world, &plain, &["## Examples"]).await);
    let asks = spec(WANTED, "");
    assert!(asked_with(&world, &asks, &["### Example 1"]).await);
    assert!(
        asked_with(&world, &asks, &["{\"title\":\"best\"}"]).await,
        "the best"
    );
    assert!(
        asked_with(&world, &asks, &["\"topic\": \"gin\""]).await,
        "with what it was given"
    );
    assert!(!asked_with(&world, &asks, &["\"title\":\"good\"", "\"title\":\"poor\""]).await);
    let more = spec("bootstrap: { examples: 3 },", "");
    assert!(asked_with(&world, &more, &["\"title\":\"good\""]).await);
    assert!(
        !asked_with(&world, &more, &["\"title\":\"poor\""]).await,
        "not what was judged badly"
    );
    let lax = spec("bootstrap: { examples: 3, min_score: 0.2 },", "");
    assert!(asked_with(&world, &lax, &["\"title\":\"poor\""]).await);
}

#[tokio::test]
async fn no_example_comes_from_a_run_with_another_schema_or_is_cut() {
    let world = World::new();
    run(&world, &spec("", ""), "tea", "good", 0.9).await;
    let other = spec(WANTED, ", properties: { title: { type: string } }");
    assert!(!asked_with(&world, &other, &["## Examples"]).await);
    assert!(asked_with(&world, &spec(WANTED, ""), &["## Examples"]).await);

    let world = World::new();
    let cut = spec("output_max_chars: 3,", "");
    run(&world, &cut, "tea", "longer-than-three", 0.9).await;
    assert!(!asked_with(&world, &spec(WANTED, ""), &["## Examples"]).await);
}
