//! Secrets that are used and not seen.

use std::sync::{Arc, Mutex};

use armature_engine::Failure;
use axum::{Router, extract::State, http::HeaderMap, routing::get};
use serde_json::json;

use crate::world::World;

const KEY: &str = "s3cret-value-0123";

/// A server that says what it was sent.
async fn echo() -> (u16, Arc<Mutex<Vec<String>>>) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let app = Router::new()
        .route(
            "/x",
            get(
                |State(seen): State<Arc<Mutex<Vec<String>>>>, headers: HeaderMap| async move {
                    let sent = headers
                        .get("authorization")
                        .map(|v| v.to_str().unwrap().to_owned())
                        .unwrap_or_default();
                    seen.lock().unwrap().push(sent.clone());
                    format!("you sent {sent}")
                },
            ),
        )
        .with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (port, seen)
}

fn spec(url: &str) -> String {
    format!(
        "tools: [{{ plugin: http, grants: {{ http: [{{ allow: 'GET http://127.0.0.1:*/**', private: true }}] }} }}]\nstages:\n  - id: get\n    tool_call: {{ name: http_get, args: {{ url: '{url}', headers: {{ Authorization: 'Bearer {{{{ env.API_KEY }}}}' }} }} }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_arguments_reaches_the_host_that_is_written_out_and_nobody_else() {
    let (port, seen) = echo().await;
    let world = World::with("", &[("API_KEY", KEY)]);
    let report = world
        .run(&spec(&format!("http://127.0.0.1:{port}/x")), json!({}))
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), [format!("Bearer {KEY}")]);
    let mut everything = format!("{:?} {:?}", report, world.watcher.all());
    everything.push_str(&format!("{:?}", world.traces(&report.run_id)));
    assert!(!everything.contains(KEY), "the value got out");
    assert!(
        report.outputs["get"]["body"]
            .as_str()
            .unwrap()
            .contains("you sent"),
        "{}",
        report.outputs["get"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_comes_from_a_template_does_not_get_the_key() {
    let (port, seen) = echo().await;
    let world = World::with("", &[("API_KEY", KEY)]);
    let text = spec("http://{{ host }}/x");
    assert!(world.codes(&text).await.contains(&"UNPLACEABLE_SECRET"));
    let _ = world
        .run(&text, json!({"host": format!("127.0.0.1:{port}")}))
        .await;
    assert!(
        seen.lock().unwrap().iter().all(|sent| !sent.contains(KEY)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn in_a_file_the_name_of_a_secret_stays_a_name() {
    let world = World::with("", &[("API_KEY", KEY)]);
    let spec = "stages:\n  - { id: w, tool_call: { name: file_write, args: { path: x, content: 'key {{ env.API_KEY }}' } } }\n";
    world.run(spec, json!({})).await.unwrap();
    assert_eq!(world.read("x").unwrap(), "key {{ env.API_KEY }}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_http_tools_reach_no_private_address_unless_it_is_granted() {
    let (port, seen) = echo().await;
    let world = World::new();
    let spec = format!(
        "stages:\n  - {{ id: get, tool_call: {{ name: http_get, args: {{ url: 'http://127.0.0.1:{port}/x' }} }} }}\n"
    );
    let error = world.run(&spec, json!({})).await.unwrap_err();
    assert!(seen.lock().unwrap().is_empty());
    let said = format!("{error} {:?}", world.watcher.all());
    assert!(
        said.contains("private: true"),
        "the line that would permit it is in the log: {said}"
    );
}

#[tokio::test]
async fn a_rule_sees_a_word_that_happens_to_be_the_value_of_a_secret() {
    let world = World::with("", &[("MYDIR", "forbid-dir")]);
    let rules = [
        "{ tool: file_read, condition: { field: path, op: contains, value: forbid-dir }, action: block, message: not there }",
        "{ plugin: deny-pattern, tool: file_read, config: { pattern: 'forbid-\\w+' } }",
    ];
    for rule in rules {
        let spec = format!(
            "safety_rules: [{rule}]\nstages:\n  - {{ id: r, tool_call: {{ name: file_read, args: {{ path: '{{{{ where }}}}/f.txt' }} }} }}\n  - {{ id: other, depends_on: [r], tool_call: {{ name: file_read, args: {{ path: 'x/{{{{ env.MYDIR }}}}' }} }} }}\n"
        );
        let error = world
            .run(&spec, json!({"where": "forbid-dir"}))
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("stage `r` failed: Tool 'file_read' blocked"),
            "{error}"
        );
        let mut said = format!("{error:?} {:?}", world.watcher.all());
        said.push_str(&format!("{:?}", world.traces(error.run_id().unwrap())));
        let said = said.replace("contains forbid-dir", "");
        assert!(!said.contains("forbid-dir"), "{said}");
    }
}

#[tokio::test]
async fn arguments_whose_keys_become_one_without_their_secrets_are_refused() {
    let world = World::with("", &[("KEY", "open-sesame")]);
    let spec = "stages:\n  - { id: get, tool_call: { name: http_get, args: { url: 'http://127.0.0.1:1/x', headers: { open-sesame: evil, '[secret KEY]': ok, X: '{{ env.KEY }}' } } } }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        matches!(error.failure(), Some(Failure::Arguments { .. })),
        "{error}"
    );
    assert_eq!(world.watcher.count("tool_intent"), 0);
}

#[tokio::test]
async fn a_streamed_answer_shows_no_piece_of_a_secret_that_is_split() {
    let world = World::with("", &[("API_KEY", "open sesame now")]);
    world.file(
        "m.yml",
        "replies:\n  - { text: 'the key is open sesame now and then' }\n",
    );
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: m.yml } }\nstages:\n  - { id: m, response_stage: true, role: { name: r, type: worker, description: d } }\n  - { id: get, depends_on: [m], fail_as_value: true, tool_call: { name: http_get, args: { url: 'http://127.0.0.1:1/x', headers: { X: '{{ env.API_KEY }}' } } } }\n";
    world.run(spec, json!({})).await.unwrap();
    let tokens = world.watcher.tokens.lock().unwrap().clone();
    assert!(tokens.len() > 3, "{tokens:?}");
    assert_eq!(tokens.concat(), "the key is [secret API_KEY] and then");
}

#[tokio::test]
async fn nobody_finds_an_input_by_digesting_guesses() {
    let digest = async |world: &World| {
        world
            .run("stages: []\n", json!({"pin": "1234"}))
            .await
            .unwrap();
        world.watcher.all().into_iter().find_map(|event| {
            let value = serde_json::to_value(event).unwrap();
            value["data"]["inputs_digest"].as_str().map(str::to_owned)
        })
    };
    let (one, other) = (World::new(), World::new());
    let first = digest(&one).await.expect("a digest");
    assert_eq!(digest(&one).await.unwrap(), first, "the same home");
    assert_ne!(digest(&other).await.unwrap(), first, "another home");
}
