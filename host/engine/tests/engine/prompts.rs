//! Prompts are the same bytes whoever makes them: same spec, same inputs, another process.

use std::{fmt::Write as _, process::Command};

use serde_json::json;

use crate::world::World;

/// Set in the processes that only say what they told the model.
const SAY: &str = "ARMATURE_TEST_SAYS_ITS_PROMPTS";

/// Processes that must agree.
const PROCESSES: usize = 20;

/// What the models of a run are told: the system prompts as they are, and the digests of what each stage saw. (Digests
/// of whole requests are sealed, and differ from home to home.)
async fn told() -> String {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { json: { score: 0.5, zeta: [3, 1], alpha: { b: 1, a: 2 } } }\n",
    );
    let role = |kind: &str| {
        format!(
            "role: {{ name: R, type: {kind}, model_tier: small, description: 'About {{{{ topic }}}}.', skills: [plain, short] }}"
        )
    };
    let spec = format!(
        "mission: Make tea known.\nmodel_tiers: {{ small: {{ provider: scripted, model: m, script: script.yml }} }}\nskill_library:\n  plain: {{ id: plain, description: Plain words, content: No jargon. }}\n  short: {{ id: short, description: Short sentences, content: Ten words. }}\nstages:\n  - {{ id: one, output_mode: json, {} }}\n  - {{ id: two, depends_on: [one], output_mode: guided_json, output_schema: {{ type: object, required: [score], properties: {{ zeta: {{}}, alpha: {{}}, score: {{ type: number }} }} }}, {} }}\n  - {{ id: three, depends_on: [two], {} }}\n  - {{ id: four, depends_on: [one, three], signature: {{ input: {{ topic: string, one: object }} }}, {} }}\n  - {{ id: keep, post_run: true, tool_call: {{ name: file_write, args: {{ path: told.json, content: '{{{{ _transcript | tojson }}}}' }} }} }}\n",
        role("worker"),
        role("orchestrator"),
        role("judge"),
        role("researcher"),
    );
    let mut request = world.request(json!({
        "topic": "tea", "zebra": 1, "apple": {"y": 1, "x": [1, 2]}, "mango": [true, null], "kiwi": 0.5,
    }));
    request.use_cache = false;
    let report = world.run_with(&spec, request).await.unwrap();
    let mut told = world.read("told.json").unwrap() + "\n";
    for row in world.traces(&report.run_id) {
        let _ = writeln!(told, "{} {}", row.stage_id, row.inputs_hash);
    }
    told
}

#[tokio::test]
async fn prompts_of_every_role_type_are_the_same_bytes_in_twenty_processes() {
    let mine = told().await;
    if std::env::var_os(SAY).is_some() {
        println!("<told>{mine}</told>");
        return;
    }
    assert_eq!(mine.matches("Make tea known.").count(), 4, "{mine}");
    let program = std::env::current_exe().unwrap();
    let others: Vec<_> = (1..PROCESSES)
        .map(|_| {
            Command::new(&program)
                .args([
                    "--exact",
                    "prompts::prompts_of_every_role_type_are_the_same_bytes_in_twenty_processes",
                    "--nocapture",
                ])
                .env(SAY, "1")
                .output()
                .unwrap()
        })
        .collect();
    for other in others {
        let said = String::from_utf8_lossy(&other.stdout).into_owned();
        let theirs = said
            .split_once("<told>")
            .and_then(|(_, rest)| rest.split_once("</told>"));
        assert_eq!(theirs.map(|(told, _)| told), Some(mine.as_str()), "{said}");
    }
}
