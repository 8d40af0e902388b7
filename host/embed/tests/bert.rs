//! Weights as small as they can be, made here, and every way in which they are none.
//!
//! The real ones are tried where `ARMATURE_EMBEDDING` names their folder; see `tests/README.md`.

#![cfg(feature = "embeddings")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails; tests write the weights that are read"
)]

use std::{fs, path::Path, time::Instant};

use armature_embed::{DIRECTORY, EmbedError, Embedder, open};
use candle_core::{DType, Device};
use candle_nn::{VarBuilder, VarMap};
use candle_transformers::models::bert::{BertModel, Config};

const CONFIG: &str = r#"{
  "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
  "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "max_position_embeddings": 16, "type_vocab_size": 2,
  "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0, "model_type": "bert"
}"#;

const TOKENIZER: &str = r#"{
  "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": { "type": "Lowercase" },
  "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
  "model": { "type": "WordLevel", "unk_token": "?", "vocab": { "?": 0, "tea": 1, "is": 2, "green": 3, "a": 4, "text": 5, ".": 6 } }
}"#;

/// A home with weights that nobody trained.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(DIRECTORY);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("config.json"), CONFIG).unwrap();
    fs::write(dir.join("tokenizer.json"), TOKENIZER).unwrap();
    let (weights, config) = (
        VarMap::new(),
        serde_json::from_str::<Config>(CONFIG).unwrap(),
    );
    BertModel::load(
        VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu),
        &config,
    )
    .unwrap();
    weights.save(dir.join("model.safetensors")).unwrap();
    home
}

fn there(home: &Path) -> Box<dyn Embedder> {
    open(home).unwrap().unwrap()
}

fn likeness(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[test]
fn the_same_text_has_the_same_vector_of_length_one_and_another_text_another() {
    let home = home();
    let one = there(home.path());
    let vector = one.embed("Tea is green").unwrap();
    assert_eq!((vector.len(), one.dimensions()), (8, 8));
    assert!((likeness(&vector, &vector) - 1.0).abs() < 1e-5);
    let other = there(home.path());
    assert_eq!(other.embed("Tea is green").unwrap(), vector);
    assert_eq!(other.model(), one.model());
    assert_ne!(one.embed("a text").unwrap(), vector);
    // Longer than the weights are made for, and nothing at all.
    assert_eq!(one.embed(&"tea ".repeat(10_000)).unwrap().len(), 8);
    let _ = one.embed("").err();
}

#[test]
fn other_weights_have_another_name() {
    assert_ne!(there(home().path()).model(), there(home().path()).model());
}

#[test]
fn weights_that_are_none_are_refused_in_one_line_that_says_which_file() {
    let cases: [(&str, &str, Option<&[u8]>); 6] = [
        ("config.json", "config.json", None),
        ("tokenizer.json", "tokenizer.json", Some(b"{}")),
        ("config.json", "config.json", Some(b"{ \"vocab_size\": 8 }")),
        ("model.safetensors", "model.safetensors", Some(b"\x08\0\0\0\0\0\0\0{\"a\": 1")),
        ("model.safetensors", "model.safetensors", None),
        // Tokens that the weights do not know.
        ("tokenizer.json", "cannot be used", Some(br#"{ "version": "1.0", "added_tokens": [], "pre_tokenizer": { "type": "Whitespace" }, "model": { "type": "WordLevel", "unk_token": "?", "vocab": { "?": 4000 } } }"#)),
    ];
    for (file, said, bytes) in cases {
        let home = home();
        let path = home.path().join(DIRECTORY).join(file);
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let error = open(home.path()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said) && !text.contains('\n'), "{text}");
        assert!(error.hint().contains("all-MiniLM-L6-v2"), "{text}");
    }
}

#[test]
fn weights_of_another_shape_than_their_description_are_refused() {
    let home = home();
    let config = CONFIG.replace("\"hidden_size\": 8", "\"hidden_size\": 16");
    fs::write(home.path().join(DIRECTORY).join("config.json"), config).unwrap();
    let error = open(home.path()).unwrap_err();
    assert!(matches!(error, EmbedError::Unusable { .. }), "{error}");
}

#[test]
fn the_real_weights_know_what_is_alike_without_a_word_in_common() {
    let Some(dir) = std::env::var_os("ARMATURE_EMBEDDING") else {
        println!("skipped: ARMATURE_EMBEDDING names no folder with weights");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(dir, home.path().join(DIRECTORY)).unwrap();
    let begun = Instant::now();
    let weights = there(home.path());
    println!(
        "loaded in {} ms, {} dimensions",
        begun.elapsed().as_millis(),
        weights.dimensions()
    );
    let begun = Instant::now();
    let of = |text: &str| weights.embed(text).unwrap();
    let question = of("Which automobile should I buy?");
    let (near, far) = (
        of("cars: The estate is the cheapest to run"),
        of("tea: It is best at 70 degrees"),
    );
    println!("{} ms a text", begun.elapsed().as_millis() / 3);
    let (near, far) = (likeness(&question, &near), likeness(&question, &far));
    println!("cars {near:.3}, tea {far:.3}");
    assert!(near > 0.3 && far < 0.3, "{near} {far}");
}
