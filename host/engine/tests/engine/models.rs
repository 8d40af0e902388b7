//! Stages that ask a model.

use armature_engine::RunRequest;
use armature_store::{CacheBounds, Event, EventLog as _, RunId};
use serde_json::json;

use crate::world::World;

const TIERS: &str = "model_tiers: { small: { provider: scripted, model: small-1, script: script.yml }, large: { provider: scripted, model: large-1, script: script.yml }, tiny: { provider: scripted, model: tiny-1, script: script.yml } }\n";

fn world(script: &str) -> World {
    let world = World::new();
    world.file("script.yml", &format!("replies:\n{script}"));
    world
}

fn spec(stage: &str) -> String {
    format!("{TIERS}stages:\n{stage}")
}

#[tokio::test]
async fn the_model_calls_tools_and_answers_with_what_they_said() {
    let world = world(
        "  - { turn: 1, tool_calls: [{ name: file_read, arguments: { path: a.txt } }, { name: file_read, arguments: 'no json' }, { name: file_write, arguments: { path: x, content: y } }] }\n  - { turn: 2, contains: 'not among the tools', text: It says hello. }\n",
    );
    world.file("work/a.txt", "hello");
    let report = world
        .run(&spec("  - id: m\n    role: { name: r, type: worker, description: d, tools: [file_read] }\n"), json!({}))
        .await
        .unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "It says hello."}));
    assert_eq!(
        world.read("x"),
        None,
        "a tool that the role does not list is not called"
    );
    let rows = world.traces(&report.run_id);
    let llm = rows.iter().find(|row| row.kind == "llm").unwrap();
    assert_eq!(llm.tools_called, ["file_read", "file_write"]);
    assert_eq!(llm.model, "small-1");
    assert!(llm.input_tokens > 0);
    assert_eq!(rows.iter().filter(|row| row.kind == "tool").count(), 2);
    assert_eq!(report.summary.rogue_signals, 1);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_goes_to_a_larger_tier_and_never_to_a_smaller_one() {
    let world = world(
        "  - { model: small-1, text: 'Here: {\"title\": 5}' }\n  - { model: large-1, json: { title: Tea } }\n  - { model: tiny-1, json: { title: wrong } }\n",
    );
    let stage = "  - id: m\n    output_mode: guided_json\n    output_schema: { type: object, required: [title], properties: { title: { type: string } } }\n    role: { name: r, type: worker, description: d }\n";
    let report = world.run(&spec(stage), json!({})).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"title": "Tea"}));
    let rows = world.traces(&report.run_id);
    assert_eq!(
        (
            rows[0].model.as_str(),
            rows[0].escalation_count,
            rows[0].output_valid
        ),
        ("large-1", 1, true)
    );
    assert_eq!(world.watcher.count("tier_escalation_warning"), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_mended_by_the_same_tier_when_it_is_told_why() {
    let world = world(
        "  - { model: small-1, turn: 1, text: 'Here: {\"title\": 5}' }\n  - { model: small-1, turn: 2, contains: 'does not fit the schema', json: { title: Tea } }\n",
    );
    let stage = "  - id: m\n    output_mode: guided_json\n    output_schema: { type: object, required: [title], properties: { title: { type: string } } }\n    role: { name: r, type: worker, description: d }\n";
    let report = world.run(&spec(stage), json!({})).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"title": "Tea"}));
    assert_eq!(report.summary.spent.llm_calls, 2);
    let row = &world.traces(&report.run_id)[0];
    assert_eq!((row.model.as_str(), row.escalation_count), ("small-1", 0));
}

#[tokio::test]
async fn a_stage_that_must_have_its_form_fails_without_it() {
    let world = world("  - { text: no json at all }\n");
    let stage = "  - { id: m, output_mode: json, on_parse_error: fail, role: { name: r, type: worker, description: d } }\n";
    let error = world.run(&spec(stage), json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the answer of stage 'm' cannot be used: the answer was not one JSON object"),
        "{error}"
    );
}

#[tokio::test]
async fn money_and_tokens_that_are_used_up_end_the_run_and_say_how_much_it_was() {
    let world = world(
        "  - { text: x, usage: { input_tokens: 900, output_tokens: 200, cached_input_tokens: 600, reasoning_tokens: 50 }, cost_usd: 0.5 }\n",
    );
    let stages = "  - { id: a, role: { name: r, type: worker, description: d } }\n  - { id: b, depends_on: [a], fail_as_value: true, role: { name: r, type: worker, description: e } }\n";
    for (limit, said) in [
        (
            "max_tokens_total: 1000",
            "contracts.max_tokens_total is 1000, and 1100 is used: stage 'b' cannot go on",
        ),
        (
            "max_cost_usd: 0.4",
            "contracts.max_cost_usd is 0.4, and 0.5 is used: stage 'b' cannot go on",
        ),
    ] {
        let mut request = world.request(json!({}));
        request.use_cache = false;
        let error = world
            .run_with(
                &format!("contracts: {{ {limit} }}\n{}", spec(stages)),
                request,
            )
            .await
            .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        let rows = world.traces(error.run_id().unwrap());
        let first = rows.iter().find(|row| row.stage_id == "a").unwrap();
        assert_eq!(
            (
                first.cached_input_tokens,
                first.reasoning_tokens,
                first.cost_usd
            ),
            (600, 50, Some(0.5))
        );
    }
}

#[tokio::test]
async fn a_limit_on_money_needs_a_price_for_every_model_that_is_asked() {
    let world = World::new();
    let codes = |model: &'static str| {
        let world = &world;
        async move {
            world
                .codes(&format!(
                    "contracts: {{ max_cost_usd: 1 }}\nmodel_tiers: {{ small: {{ {model}, api_base: 'http://127.0.0.1:9/v1' }} }}\nstages:\n  - {{ id: m, role: {{ name: r, type: worker, description: d }} }}\n"
                ))
                .await
        }
    };
    assert!(
        codes("provider: openai, model: nobody-knows")
            .await
            .contains(&"UNUSABLE_MODEL")
    );
    for known in [
        "provider: openai, model: gpt-4o",
        "provider: ollama, model: any",
        "provider: openai, model: m, price: { input_per_million: 1, output_per_million: 2 }",
    ] {
        assert!(!codes(known).await.contains(&"UNUSABLE_MODEL"), "{known}");
    }
}

#[tokio::test]
async fn when_no_tier_answers_well_the_result_says_so() {
    let world = world("  - { text: no json at all }\n");
    let stage =
        "  - id: m\n    output_mode: json\n    role: { name: r, type: worker, description: d }\n";
    let report = world.run(&spec(stage), json!({})).await.unwrap();
    assert_eq!(
        report.outputs["m"],
        json!({"raw": "no json at all", "_parse_error": true})
    );
    assert!(!world.traces(&report.run_id)[0].output_valid);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_not_kept() {
    let world = world("  - { text: no json at all }\n");
    let stage =
        "  - id: m\n    output_mode: json\n    role: { name: r, type: worker, description: d }\n";
    for _ in 0..2 {
        let report = world.run(&spec(stage), json!({})).await.unwrap();
        assert!(report.summary.spent.llm_calls > 0);
    }
}

#[tokio::test]
async fn the_same_question_is_answered_from_the_cache_also_where_tools_may_be_called() {
    let world = world("  - { text: fresh }\n");
    let plain =
        spec("  - id: m\n    role: { name: r, type: worker, description: 'about {{ topic }}' }\n");
    let first = world.run(&plain, json!({"topic": "tea"})).await.unwrap();
    let second = world.run(&plain, json!({"topic": "tea"})).await.unwrap();
    let third = world.run(&plain, json!({"topic": "rum"})).await.unwrap();
    let calls = |report: &armature_engine::RunReport| report.summary.spent.llm_calls;
    assert_eq!((calls(&first), calls(&second), calls(&third)), (1, 0, 1));
    assert_eq!(second.outputs["m"], first.outputs["m"]);
    let tools = spec(
        "  - id: m\n    role: { name: r, type: worker, description: d, tools: [file_read] }\n",
    );
    for asked in [1, 0] {
        assert_eq!(calls(&world.run(&tools, json!({})).await.unwrap()), asked);
    }
}

#[tokio::test]
async fn a_response_stage_is_streamed_and_is_the_primary_result() {
    let world = world("  - { text: one two three }\n");
    let stage = "  - { id: m, response_stage: true, role: { name: r, type: worker, description: d } }\n  - { id: z, depends_on: [m], tool_call: { name: file_read, args: { path: x } } }\n";
    let report = world.run(&spec(stage), json!({})).await.unwrap();
    let tokens = world.watcher.tokens.lock().unwrap().clone();
    assert!(tokens.len() > 1);
    assert_eq!(tokens.concat(), "one two three");
    assert_eq!(
        report.primary,
        Some(("m".to_owned(), json!({"content": "one two three"})))
    );
}

#[tokio::test]
async fn model_stages_are_counted_against_the_contract() {
    let world = world("  - { text: x }\n");
    let stage = "  - { id: a, role: { name: r, type: worker, description: d } }\n  - { id: b, depends_on: [a], role: { name: r, type: worker, description: d } }\n";
    let error = world
        .run(
            &format!("contracts: {{ max_llm_calls: 1 }}\n{}", spec(stage)),
            json!({}),
        )
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("max_llm_calls limit (1) reached — stage 'b' cannot execute"),
        "{error}"
    );
}

#[tokio::test]
async fn a_judges_score_is_in_the_trace_and_spending_is_seen_by_rules() {
    let world =
        world("  - { json: { score: 0.8 }, usage: { input_tokens: 900, output_tokens: 200 } }\n");
    let spec = format!(
        "{TIERS}safety_rules: [{{ plugin: spending-cap, config: {{ max_tokens: 1000 }} }}]\nstages:\n  - {{ id: j, output_mode: json, role: {{ name: r, type: judge, description: d, model_tier: small }} }}\n  - {{ id: t, depends_on: [j], tool_call: {{ name: file_read, args: {{ path: x }} }} }}\n"
    );
    let error = world.run(&spec, json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("stage `t` failed: Tool 'file_read' blocked"),
        "{error}"
    );
    let rows = world.traces(error.run_id().unwrap());
    assert_eq!(rows[0].quorum_score, Some(0.8));
}

#[tokio::test]
async fn prompts_hold_no_run_id() {
    let world = world("  - { text: x }\n");
    let text = spec("  - { id: m, role: { name: r, type: worker, description: d } }\n");
    let mut asked = Vec::new();
    for _ in 0..2 {
        let request = RunRequest {
            use_cache: false,
            ..world.request(json!({}))
        };
        let report = world.run_with(&text, request).await.unwrap();
        let run = RunId::new(report.outputs["run_id"].as_str().unwrap()).unwrap();
        let events = world.engine.store().unwrap().events(&run).unwrap();
        let digest = events.into_iter().find_map(|it| match it.event {
            Event::ModelIntent(intent) => Some(intent.request_digest),
            _ => None,
        });
        asked.push((run, digest.unwrap()));
    }
    // Two runs, and the same to the last byte of what is asked.
    let [(one, first), (other, second)] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_ne!(one, other);
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_secret_that_is_given_as_an_input_reaches_no_model_and_is_not_kept() {
    const KEY: &str = "s3cret-value-0123";
    let world = World::with("", &[("API_KEY", KEY)]);
    world.file(
        "script.yml",
        &format!("replies:\n  - {{ contains: {KEY}, text: I was told }}\n  - {{ text: fine }}\n"),
    );
    let spec = spec(
        "  - { id: m, role: { name: r, type: worker, description: 'about {{ told }}' } }\n  - { id: after, tool_call: { name: file_write, args: { path: x, content: '{{ env.API_KEY }}' } } }\n",
    );
    let inputs = json!({"told": format!("use {KEY}")});
    let report = world.run(&spec, inputs).await.unwrap();
    assert_eq!(report.outputs["m"]["content"], "fine");
    assert_eq!(report.outputs["told"], "use [secret API_KEY]");
}

#[tokio::test]
async fn a_model_that_repeats_a_secret_is_not_quoted_anywhere() {
    const KEY: &str = "s3cret-value-0123";
    let world = World::with("", &[("API_KEY", KEY)]);
    world.file(
        "script.yml",
        &format!(
            "replies:\n  - {{ stage: tool, turn: 1, tool_calls: [{{ name: file_write, arguments: {{ path: out.txt, content: {KEY} }} }}] }}\n  - {{ text: 'your key is {KEY}' }}\n"
        ),
    );
    let spec = spec(
        "  - { id: m, role: { name: r, type: worker, description: d } }\n  - { id: tool, role: { name: r, type: worker, description: d, tools: [file_write] } }\n  - { id: after, depends_on: [m, tool], tool_call: { name: file_write, args: { path: 'after/{{ m.content }}', content: '{{ env.API_KEY }}' } } }\n",
    );
    let report = world
        .run(&spec, json!({"told": format!("use {KEY}")}))
        .await
        .unwrap();
    for result in ["m", "tool", "after"] {
        let result = report.outputs[result].to_string();
        assert!(!result.contains(KEY), "{result}");
    }
    assert_eq!(world.read("out.txt").as_deref(), Some("[secret API_KEY]"));
    let rows = format!("{:?}", world.traces(&report.run_id));
    assert!(rows.contains("your key is [secret API_KEY]"), "{rows}");
    assert!(!rows.contains(KEY), "{rows}");
    let bounds = CacheBounds {
        max_bytes: 1 << 20,
        max_age_s: 3600,
    };
    let kept: Vec<String> = world
        .watcher
        .all()
        .iter()
        .filter_map(|event| match event {
            Event::ModelIntent(intent) => world
                .engine
                .store()
                .unwrap()
                .cache_get(&intent.request_digest, bounds)
                .unwrap(),
            _ => None,
        })
        .collect();
    assert_eq!(kept.len(), 3, "each answer of both stages");
    assert!(!kept.concat().contains(KEY), "{kept:?}");
}

#[tokio::test]
async fn a_model_call_that_fails_is_counted_like_one_that_answers() {
    let world = world("  - { fail: bad_reply }\n");
    let report = world
        .run(
            &spec(
                "  - { id: m, fail_as_value: true, role: { name: r, type: worker, description: d } }\n",
            ),
            json!({}),
        )
        .await
        .unwrap();
    assert_eq!(report.summary.spent.llm_calls, 1);
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_by_its_variable_before_anything_runs() {
    let world = World::new();
    for (tier, variable) in [
        ("provider: openai, model: gpt-4o", "OPENAI_API_KEY"),
        (
            "provider: gemini, model: gemini/gemini-2.5-pro",
            "GEMINI_API_KEY",
        ),
        (
            "provider: acme, model: m, api_base: 'http://127.0.0.1:9/v1', api_key_env: ACME_KEY",
            "ACME_KEY",
        ),
    ] {
        let spec = format!(
            "model_tiers: {{ small: {{ {tier} }} }}\nstages:\n  - {{ id: w, tool_call: {{ name: file_write, args: {{ path: ran, content: x }} }} }}\n  - {{ id: m, depends_on: [w], role: {{ name: r, type: worker, description: d }} }}\n"
        );
        let error = world.run(&spec, json!({})).await.unwrap_err();
        assert!(
            error.to_string().starts_with("stage `m` has nobody to ask"),
            "{error}"
        );
        assert!(
            error.hint().unwrap().contains(variable),
            "{:?}",
            error.hint()
        );
        assert_eq!((world.read("ran"), error.run_id().is_none()), (None, true));
    }
}
