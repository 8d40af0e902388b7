use std::sync::Mutex;

use armature_llm::{Finish, LlmError, Message, Output, Request, ToolSpec, Usage};
use serde_json::{Value, json};

use crate::server::{Answer, KEY, Server};

fn asking(words: &str) -> Request {
    Request::new(
        "draft",
        vec![
            Message::System("Be brief.".into()),
            Message::User(words.into()),
        ],
    )
}

fn weather() -> ToolSpec {
    ToolSpec {
        name: "weather.look".into(),
        description: "Looks at the sky.".into(),
        input_schema: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
    }
}

fn message(content: &Value, stop: &str) -> Answer {
    Answer::json(&json!({
        "type": "message", "role": "assistant", "model": "m-1-2026", "content": content, "stop_reason": stop,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 4},
    }))
}

fn event(data: &Value) -> String {
    format!(
        "event: {}\ndata: {data}\n\n",
        data["type"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_question_goes_out_as_messages_and_the_answer_comes_back_whole() {
    let content = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Ra"}, {"type": "text", "text": "in."}]);
    let server = Server::start([message(&content, "end_turn")]).await;
    let reply = server
        .model("anthropic")
        .complete(&asking("Weather?"), None)
        .await
        .unwrap();
    assert_eq!(reply.text, "Rain.");
    assert_eq!(
        reply.usage,
        Usage {
            input_tokens: 15,
            output_tokens: 4,
            cached_input_tokens: 5,
            ..Usage::default()
        }
    );
    assert_eq!(
        (reply.finish, reply.model.as_str()),
        (Finish::Stop, "m-1-2026")
    );
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/v1/messages");
    assert_eq!(
        (asked.header("x-api-key"), asked.header("anthropic-version")),
        (KEY, "2023-06-01")
    );
    assert_eq!(
        asked.body,
        json!({
            "model": "m-1", "max_tokens": 8192, "system": "Be brief.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Weather?"}]}],
        })
    );
}

#[tokio::test]
async fn tool_calls_and_their_answers_are_blocks_of_alternating_turns() {
    let content = json!([
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "t1", "name": "weather_look", "input": {"city": "Łódź"}},
        {"type": "tool_use", "id": "t2", "name": "weather_look", "input": {}},
    ]);
    let server = Server::start([
        message(&content, "tool_use"),
        message(&json!([{"type": "text", "text": "Sun."}]), "end_turn"),
    ])
    .await;
    let model = server.model("anthropic");
    let mut request = Request {
        tools: vec![weather()],
        ..asking("Weather?")
    };
    let reply = model.complete(&request, None).await.unwrap();
    assert_eq!(
        (reply.finish, reply.text.as_str()),
        (Finish::ToolCalls, "Looking.")
    );
    assert_eq!(reply.tool_calls[0].name, "weather.look");
    assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"city": "Łódź"})));

    request.messages.push(reply.to_message());
    for (call, is_error) in reply.tool_calls.iter().zip([false, true]) {
        request.messages.push(Message::Tool {
            id: call.id.clone(),
            name: call.name.clone(),
            content: "clear".into(),
            is_error,
        });
    }
    request.messages.push(Message::User("Go on.".into()));
    assert_eq!(model.complete(&request, None).await.unwrap().text, "Sun.");
    let messages = server.asked()[1].body["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 3);
    assert_eq!(
        messages[1]["content"][1],
        json!({"type": "tool_use", "id": "t1", "name": "weather_look", "input": {"city": "Łódź"}})
    );
    assert_eq!(
        messages[2],
        json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "clear"},
            {"type": "tool_result", "tool_use_id": "t2", "content": "clear", "is_error": true},
            {"type": "text", "text": "Go on."},
        ]})
    );
}

#[tokio::test]
async fn a_stream_cut_within_json_and_within_characters_is_the_same_reply() {
    let stream = [
        event(&json!({"type": "message_start", "message": {"type": "message", "model": "m-1-2026", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 7, "output_tokens": 1}}})),
        event(&json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        event(&json!({"type": "ping"})),
        event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Zażółć "}})),
        event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "gęślą 🦀"}})),
        event(&json!({"type": "content_block_stop", "index": 0})),
        event(&json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "t1", "name": "weather_look", "input": {}}})),
        event(&json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"city\": \"Pa"}})),
        event(&json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "ris\"}"}})),
        event(&json!({"type": "content_block_start", "index": 2,
            "content_block": {"type": "tool_use", "id": "t2", "name": "weather_look", "input": {}}})),
        event(&json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})),
        event(&json!({"type": "message_stop"})),
    ]
    .concat();
    for size in [1, 13, 100_000] {
        let server = Server::start([Answer::events(&stream, size)]).await;
        let pieces = Mutex::new(Vec::new());
        let push = |piece: &str| pieces.lock().unwrap().push(piece.to_owned());
        let request = Request {
            tools: vec![weather()],
            ..asking("Weather?")
        };
        let reply = server
            .model("anthropic")
            .complete(&request, Some(&push))
            .await
            .unwrap();
        assert_eq!(reply.text, "Zażółć gęślą 🦀");
        assert_eq!(*pieces.lock().unwrap(), ["Zażółć ", "gęślą 🦀"]);
        assert_eq!(
            reply.usage,
            Usage {
                input_tokens: 7,
                output_tokens: 5,
                ..Usage::default()
            }
        );
        assert_eq!(reply.finish, Finish::ToolCalls);
        assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"city": "Paris"})));
        assert_eq!(reply.tool_calls[1].arguments, Ok(json!({})));
        assert_eq!(server.asked()[0].body["stream"], true);
    }
}

#[tokio::test]
async fn a_structured_answer_comes_through_a_tool_that_must_be_called() {
    let given = json!([{"type": "text", "text": "Here."}, {"type": "tool_use", "id": "t", "name": "give_answer", "input": {"a": 1}}]);
    let listed =
        json!([{"type": "tool_use", "id": "t", "name": "give_answer", "input": {"value": [1]}}]);
    let server = Server::start([message(&given, "tool_use"), message(&listed, "tool_use")]).await;
    let model = server.model("anthropic");
    let shaped = |schema| Request {
        output: Output::Schema {
            name: "out".into(),
            schema,
        },
        ..asking("?")
    };
    let object = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let reply = model.complete(&shaped(object.clone()), None).await.unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.finish),
        ("{\"a\":1}", Finish::Stop)
    );
    assert!(reply.tool_calls.is_empty());
    assert_eq!(
        model
            .complete(&shaped(json!({"type": "array"})), None)
            .await
            .unwrap()
            .text,
        "[1]"
    );
    let asked = server.asked();
    assert_eq!(
        asked[0].body["tool_choice"],
        json!({"type": "tool", "name": "give_answer"})
    );
    assert_eq!(asked[0].body["tools"][0]["input_schema"], object);
    assert_eq!(
        asked[1].body["tools"][0]["input_schema"]["required"],
        json!(["value"])
    );
}

#[tokio::test]
async fn with_other_tools_the_model_may_use_them_before_it_answers() {
    let both = json!([
        {"type": "tool_use", "id": "t1", "name": "weather_look", "input": {}},
        {"type": "tool_use", "id": "t2", "name": "give_answer", "input": {"a": 0}},
    ]);
    let server = Server::start([message(&both, "tool_use")]).await;
    let output = Output::Schema {
        name: "out".into(),
        schema: json!({"type": "object"}),
    };
    let request = Request {
        output,
        tools: vec![weather()],
        ..asking("?")
    };
    let reply = server
        .model("anthropic")
        .complete(&request, None)
        .await
        .unwrap();
    assert_eq!(
        reply.tool_calls.len(),
        1,
        "an answer given before the tools have spoken is none"
    );
    assert_eq!(
        (reply.tool_calls[0].name.as_str(), reply.finish),
        ("weather.look", Finish::ToolCalls)
    );
    assert_eq!(
        server.asked()[0].body["tool_choice"],
        json!({"type": "any"})
    );
}

#[tokio::test]
async fn an_overload_inside_a_stream_is_tried_again_when_nothing_was_shown() {
    let overloaded = event(
        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    );
    let server = Server::start([
        Answer::events(&overloaded, 5),
        message(&json!([{"type": "text", "text": "ok"}]), "end_turn"),
    ])
    .await;
    let reply = server
        .model("anthropic")
        .complete(&asking("?"), Some(&|_: &str| {}))
        .await
        .unwrap();
    assert_eq!(reply.text, "ok");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_conversation_that_is_only_instructions_still_has_a_first_turn() {
    let server = Server::start([message(&json!([]), "end_turn")]).await;
    let request = Request::new(
        "draft",
        vec![
            Message::System("Write.".into()),
            Message::User(String::new()),
        ],
    );
    assert_eq!(
        server
            .model("anthropic")
            .complete(&request, None)
            .await
            .unwrap()
            .text,
        ""
    );
    assert_eq!(server.asked()[0].body["messages"][0]["role"], "user");
}

#[tokio::test]
async fn an_empty_account_is_told_from_a_bad_request() {
    let body = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}});
    let server = Server::start([Answer::text(400, &body.to_string())]).await;
    let error = server
        .model("anthropic")
        .complete(&asking("?"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, LlmError::Credits { .. }), "{error:?}");
}
