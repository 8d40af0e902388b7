//! Prompts are the same bytes whoever makes them: same spec, same inputs, another process.

use std::{fmt::Write as _, process::Command};

use armature_store::{Event, EventLog as _};
use serde_json::json;

use crate::world::World;

/// Set in the processes that only say what they told the model.
const SAY: &str = "ARMATURE_TEST_SAYS_ITS_PROMPTS";

/// Processes that must agree.
const PROCESSES: usize = 20;

/// What the models of two runs are told: the system prompts as they are, and the digests of whole requests. These are
/// sealed, and would differ from home to home.
async fn told() -> String {
    let mut world = World::new();
    std::fs::write(world.dir.path().join("home/seal"), [7; 32]).unwrap();
    world.engine = world.other_process();
    world.file(
        "script.yml",
        "replies:\n  - { json: { score: 0.95, zeta: [3, 1], alpha: { b: 1, a: 2 } } }\n",
    );
    let role = |kind: &str| {
        format!(
            "role: {{ name: R, type: {kind}, model_tier: small, description: 'About {{{{ topic }}}}.', skills: [plain, short], tools: [file_write, file_read] }}"
        )
    };
    let spec = format!(
        "mission: Make tea known.\nmodel_tiers: {{ small: {{ provider: scripted, model: m, script: script.yml }} }}\ncontext_layers: [{{ name: style, content: Be kind. }}, {{ name: law, precedence: 10, content: Give no advice. }}]\ncontext_policy: {{ must: [style, law] }}\nskill_library:\n  plain: {{ id: plain, description: Plain words, content: No jargon. }}\n  short: {{ id: short, description: Short sentences, content: Ten words. }}\nstages:\n  - {{ id: one, output_mode: json, {} }}\n  - {{ id: two, depends_on: [one], bootstrap: {{ examples: 1 }}, output_mode: guided_json, output_schema: {{ type: object, required: [score], properties: {{ zeta: {{}}, alpha: {{}}, score: {{ type: number }} }} }}, {} }}\n  - {{ id: three, depends_on: [two], output_mode: json, {} }}\n  - {{ id: four, depends_on: [one, three], signature: {{ input: {{ topic: string, one: object }} }}, {} }}\n  - {{ id: keep, post_run: true, tool_call: {{ name: file_write, args: {{ path: told.json, content: '{{{{ _transcript | tojson }}}}' }} }} }}\n",
        role("worker"),
        role("orchestrator"),
        role("judge"),
        role("researcher"),
    );
    let mut told = String::new();
    // The second run is shown how the first one did it.
    for _ in 0..2 {
        let mut request = world.request(json!({
            "topic": "tea", "zebra": 1, "apple": {"y": 1, "x": [1, 2]}, "mango": [true, null], "kiwi": 0.5,
        }));
        request.use_cache = false;
        let report = world.run_with(&spec, request).await.unwrap();
        told += &(world.read("told.json").unwrap() + "\n");
        let store = world.engine.store().unwrap();
        for recorded in store.events(&report.run_id).unwrap() {
            if let Event::ModelIntent(intent) = recorded.event {
                let _ = writeln!(told, "{} asks {}", intent.stage, intent.request_digest);
            }
        }
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
    for (said, times) in [
        ("Make tea known.", 8),
        ("Give no advice.", 8),
        ("Ten words.", 8),
        ("file_read", 8),
        (" asks ", 8),
    ] {
        assert!(mine.matches(said).count() >= times, "{said}: {mine}");
    }
    // The second run is shown an example in one stage, and asks the same in the others.
    let asked: Vec<&str> = mine
        .lines()
        .filter(|line| line.contains(" asks "))
        .collect();
    let (first, second) = asked.split_at(asked.len() / 2);
    let other: Vec<bool> = first.iter().zip(second).map(|(a, b)| a != b).collect();
    assert_eq!(other, [false, true, false, false], "{asked:?}");
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
