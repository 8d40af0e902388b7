//! `armature memory` and `armature cache`: what is kept between runs.

use serde_json::{Value, json};

use crate::command::Place;

fn remembering() -> Place {
    let place = Place::with_spec(
        "name: tea notes\nmemory: {capture: [{stage: say, key: content}], extract_knowledge: true}\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - {id: say, role: {name: A, type: worker, description: 'About {{ topic }}'}}\n",
    );
    let facts = json!({"records": [{"type": "fact", "entity": "oolong", "fact": "Oolong is oxidised in part", "confidence": 0.9, "sources": ["say"]}]});
    let script =
        json!([{"stage": "say", "text": "a \u{1b}[31mword"}, {"stage": "memory", "json": facts}]);
    place.write("m.yml", serde_json::to_string(&script).unwrap());
    place
}

fn json_of(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn what_is_remembered_is_listed_shown_and_forgotten() {
    let place = remembering();
    assert!(
        place
            .run(&["memory", "list"])
            .err
            .contains("no workflow remembers")
    );
    assert_eq!(json_of(&place, &["memory", "list"]), json!([]));
    let ran = place.run(&["run", "spec.yml", "-i", "topic=tea", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());

    let listed = json_of(&place, &["memory", "list"]);
    assert_eq!(
        (
            &listed[0]["workflow"],
            &listed[0]["values"],
            &listed[0]["records"]
        ),
        (&json!("tea notes"), &json!(1), &json!(1))
    );
    let out = place.run(&["memory", "list"]).out;
    assert!(
        out.contains("tea notes") && out.contains("1 value, 1 fact"),
        "{out}"
    );

    for whose in ["spec.yml", "tea notes"] {
        let shown = json_of(&place, &["memory", "show", whose]);
        assert_eq!(shown["values"][0]["key"], "content");
        assert_eq!(shown["facts"][0]["provenance"][0]["stage_id"], "say");
        let out = place.run(&["memory", "show", whose]).out;
        assert!(out.contains("say.content  a \\u{1b}[31mword"), "{out}");
        assert!(
            out.contains("fact oolong: Oolong is oxidised in part"),
            "{out}"
        );
    }
    let found = json_of(&place, &["memory", "show", "spec.yml", "--find", "oolong"]);
    assert_eq!(found["facts"].as_array().unwrap().len(), 1);
    let found = json_of(&place, &["memory", "show", "spec.yml", "--find", "rum"]);
    assert_eq!(found["facts"], json!([]));

    let ran = place.run(&["memory", "forget", "spec.yml"]);
    assert_eq!(ran.code, Some(2), "nobody can be asked here");
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    let ran = place.run(&["memory", "forget", "spec.yml", "--stage", "say", "--yes"]);
    assert!(
        ran.err.contains("forgotten: 1 value, 0 facts"),
        "{}",
        ran.err
    );
    let gone = json_of(&place, &["memory", "forget", "tea notes", "--yes"]);
    assert_eq!(gone, json!({"values": 0, "facts": 1}));
    assert!(
        place
            .run(&["memory", "show", "spec.yml"])
            .err
            .contains("nothing is remembered")
    );
}

#[cfg(unix)]
#[test]
fn a_person_is_asked_before_anything_is_forgotten() {
    let place = remembering();
    place.run(&["run", "spec.yml", "-i", "topic=tea", "-q"]);
    for (answer, left) in [("no\n", 1), ("yes\n", 0)] {
        let mut terminal =
            crate::terminal::Terminal::start(&place, &["memory", "forget", "spec.yml"]);
        terminal.sees("forget everything that `tea notes` remembers? [yes / no]");
        terminal.types(answer);
        assert_eq!(terminal.ends(), Some(0));
        let shown = json_of(&place, &["memory", "show", "spec.yml"]);
        assert_eq!(shown["values"].as_array().unwrap().len(), left);
    }
}

#[test]
fn the_cache_is_looked_at_and_cleared() {
    let place = remembering();
    assert_eq!(json_of(&place, &["cache", "stats"])["entries"], 0);
    for _ in 0..2 {
        let spec = place.read("spec.yml").replace("memory:", "#");
        place.write("plain.yml", spec);
        place.run(&["run", "plain.yml", "-i", "topic=tea", "-q"]);
    }
    let stats = json_of(&place, &["cache", "stats"]);
    assert_eq!((&stats["entries"], &stats["hits"]), (&json!(1), &json!(1)));
    assert_eq!(stats["max_bytes"], 256 << 20);
    place.write_home("policy.toml", "[home]\ncache = \"1MiB\"\n");
    let out = place.run(&["cache", "stats"]).out;
    assert!(
        out.contains("of 1.0 MiB, for 30 days at most\nused 1 time in"),
        "{out}"
    );
    assert_eq!(
        json_of(&place, &["cache", "clear"]),
        json!({"forgotten": 1})
    );
    assert!(
        place
            .run(&["cache", "clear"])
            .err
            .contains("0 replies are forgotten")
    );
}
