//! Cost that must grow with the work and not faster. The figures are printed; the ceilings are generous.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;

fn chain(count: usize) -> String {
    let mut spec = String::from("stages:\n");
    for n in 0..count {
        let needs = if n == 0 {
            String::new()
        } else {
            format!(", depends_on: [s{}]", n - 1)
        };
        spec.push_str(&format!("  - {{ id: s{n}{needs}, condition: 'false', tool_call: {{ name: convert, args: {{}} }} }}\n"));
    }
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_chain_costs_each_stage_the_same() {
    let world = World::made("", &[], false);
    let mut per_stage = Vec::new();
    for count in [500, 5_000] {
        let began = Instant::now();
        let plan = world.plan(&chain(count)).await.unwrap();
        println!("plan of {count} stages: {:?}", began.elapsed());
        let began = Instant::now();
        world
            .engine
            .run(&plan, armature_engine::RunRequest::new(Default::default()))
            .await
            .unwrap();
        per_stage.push(began.elapsed() / u32::try_from(count).unwrap());
    }
    println!("per stage: {per_stage:?}");
    assert!(
        per_stage[1] < per_stage[0] * 4 + Duration::from_micros(50),
        "{per_stage:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wide_fan_out_costs_each_item_the_same() {
    let world = World::made("", &[], false);
    let spec = "stages:\n  - id: f\n    fan_out: 64\n    partition_source: '{{ list }}'\n    tool_call: { name: convert, args: { value: '{{ item }}', from: km, to: m } }\n";
    let plan = world.plan(spec).await.unwrap();
    let mut per_item = Vec::new();
    for count in [50u32, 500, 2_000] {
        let list: Vec<u32> = (0..count).collect();
        let inputs = serde_json::from_value(json!({"list": list})).unwrap();
        let began = Instant::now();
        let report = world
            .engine
            .run(&plan, armature_engine::RunRequest::new(inputs))
            .await
            .unwrap();
        assert_eq!(
            report.outputs["f"].as_array().unwrap().len(),
            count as usize
        );
        per_item.push(began.elapsed() / count);
    }
    println!("per item: {per_item:?}");
    assert!(
        per_item[2] < per_item[1] * 4 + Duration::from_micros(200),
        "{per_item:?}"
    );
}
