use std::time::Duration;

use serde_json::json;

use super::{
    entry::{FAILS, FINISHES, KEYS},
    *,
};

fn model(script: &str) -> Scripted {
    let script = Script::Text {
        name: "replies.yml".into(),
        text: script.into(),
    };
    let retry = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    Scripted::new("m", &script, None, retry).unwrap()
}

fn asking(stage: &str, turn: u32, words: &str) -> Request {
    Request {
        turn,
        ..Request::new(stage, vec![Message::User(words.into())])
    }
}

async fn text(model: &Scripted, request: &Request) -> String {
    model.complete(request, None).await.unwrap().text
}

#[tokio::test]
async fn the_first_reply_that_fits_stage_turn_item_and_words_answers() {
    let model = model(
        "- {stage: a, turn: 2, text: second}\n- {stage: a, contains: rain, text: wet}\n- {stage: a, item: 1, text: one}\n\
         - {stage: a, text: plain}\n- {text: anyone}\n",
    );
    assert_eq!(text(&model, &asking("a", 2, "rain")).await, "second");
    assert_eq!(text(&model, &asking("a", 1, "will it rain?")).await, "wet");
    assert_eq!(
        text(
            &model,
            &Request {
                item: Some(1),
                ..asking("a", 1, "")
            }
        )
        .await,
        "one"
    );
    assert_eq!(text(&model, &asking("a", 1, "")).await, "plain");
    assert_eq!(text(&model, &asking("b", 1, "")).await, "anyone");
}

#[tokio::test]
async fn tiers_that_share_a_script_are_told_apart_by_model() {
    let model = model("- {model: big, text: escalated}\n- {text: small}\n");
    let request = Request {
        model: "big".into(),
        ..asking("a", 1, "")
    };
    let reply = model.complete(&request, None).await.unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.model.as_str()),
        ("escalated", "big")
    );
    assert_eq!(text(&model, &asking("a", 1, "")).await, "small");
}

#[tokio::test]
async fn a_request_without_a_reply_names_the_stage_the_script_and_what_came_close() {
    let model = model("- {stage: a, turn: 2, text: x}\n- {stage: a, contains: snow, text: x}\n");
    let error = model
        .complete(&asking("a", 1, "rain"), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `a`, turn 1: the script `replies.yml` has no reply left for it"
    );
    let hint = error.hint();
    for words in [
        "line 1: is for turn 2",
        "line 2: the last message does not contain `snow`",
        "rain",
    ] {
        assert!(hint.contains(words), "{hint}");
    }
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_failure_given_once_is_retried_and_the_next_reply_answers() {
    let model = model("- {stage: a, fail: rate_limited, times: 1}\n- {stage: a, text: done}\n");
    assert_eq!(text(&model, &asking("a", 1, "")).await, "done");
}

#[tokio::test]
async fn a_failure_that_stays_is_reported_with_the_tries_made() {
    let model = model("- {stage: a, fail: overloaded}\n- {stage: b, fail: auth}\n");
    let error = model.complete(&asking("a", 1, ""), None).await.unwrap_err();
    assert!(
        matches!(error, LlmError::Overloaded { tries: 3, .. }),
        "{error:?}"
    );
    let error = model.complete(&asking("b", 1, ""), None).await.unwrap_err();
    assert!(matches!(error, LlmError::Auth { .. }), "{error:?}");
    assert!(error.to_string().contains("replies.yml:2"), "{error}");
}

#[tokio::test]
async fn each_fan_out_item_has_its_own_count() {
    let model = model("- {fail: timeout, times: 1}\n- {text: done}\n");
    for item in 0..3 {
        let request = Request {
            item: Some(item),
            ..asking("a", 1, "")
        };
        assert_eq!(text(&model, &request).await, "done");
    }
    assert_eq!(model.given.lock().unwrap().values().sum::<u64>(), 6);
}

#[tokio::test]
async fn tool_calls_usage_and_cost_come_out_as_written() {
    let model = model(
        "- text: Looking.\n  tool_calls:\n    - {name: look, arguments: {at: [1, two]}}\n    - {id: mine, name: see}\n  usage: \
         {input_tokens: 7, output_tokens: 3}\n  cost_usd: 0.5\n",
    );
    let reply = model.complete(&asking("a", 2, ""), None).await.unwrap();
    assert_eq!(reply.finish, Finish::ToolCalls);
    assert_eq!(
        reply.usage,
        crate::Usage {
            input_tokens: 7,
            output_tokens: 3,
            ..crate::Usage::default()
        }
    );
    assert_eq!(reply.cost_usd, Some(0.5));
    assert_eq!(reply.tool_calls[0].id, "call_2_1");
    assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"at": [1, "two"]})));
    assert_eq!(reply.tool_calls[1].id, "mine");
}

#[tokio::test]
async fn streamed_pieces_joined_are_the_text() {
    let model = model("- {text: \"one  two\\nthree \"}\n");
    let pieces = Mutex::new(Vec::new());
    let push = |piece: &str| pieces.lock().unwrap().push(piece.to_owned());
    let request = asking("a", 1, "");
    let reply = model.complete(&request, Some(&push)).await.unwrap();
    let pieces = pieces.lock().unwrap();
    assert!(pieces.len() > 1);
    assert_eq!(pieces.concat(), reply.text);
}

#[tokio::test]
async fn bad_json_is_a_reply_that_does_not_parse() {
    let model = model("- {fail: bad_json}\n");
    let reply = text(&model, &asking("a", 1, "")).await;
    assert!(serde_json::from_str::<serde_json::Value>(&reply).is_err());
}

#[test]
fn an_edited_script_and_another_stage_have_other_cache_keys() {
    let (one, two) = (model("- {text: a}"), model("- {text: b}"));
    let request = asking("a", 1, "same");
    assert_ne!(one.cache_key(&request), two.cache_key(&request));
    assert_ne!(
        one.cache_key(&request),
        one.cache_key(&asking("b", 1, "same"))
    );
    assert_eq!(one.cache_key(&request), one.cache_key(&request.clone()));
}

#[test]
fn a_missing_script_and_a_wrong_one_say_where() {
    let gone = Script::File("no/such/replies.yml".into());
    let error = Scripted::new("m", &gone, None, RetryPolicy::none())
        .err()
        .unwrap();
    assert!(error.to_string().contains("no/such/replies.yml"), "{error}");
    let wrong = Script::Text {
        name: "r.yml".into(),
        text: "- {txt: hi}".into(),
    };
    let error = Scripted::new("m", &wrong, None, RetryPolicy::none())
        .err()
        .unwrap();
    assert!(error.to_string().starts_with("r.yml:1:3: "), "{error}");
}

#[test]
fn the_reference_shows_every_word_of_a_script_and_is_one() {
    let reference = include_str!("../../../../specs/README.md");
    let section = reference
        .split("## A model that is a script")
        .nth(1)
        .unwrap();
    let section = section.split("\n## ").next().unwrap();
    let text = section.split("```yaml\n").nth(1).unwrap();
    let text = text.split("```").next().unwrap();
    script::read(text).unwrap();
    let finishes = FINISHES.iter().map(|(word, _)| *word);
    for word in KEYS
        .into_iter()
        .chain(finishes)
        .chain(FAILS.iter().map(|(word, _)| *word))
    {
        assert!(section.contains(word), "{word}");
    }
}
