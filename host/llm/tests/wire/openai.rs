use std::sync::Mutex;

use armature_llm::{Finish, Message, Output, Request, ToolSpec, Usage};
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

fn said(text: &str) -> Answer {
    Answer::json(&json!({
        "model": "m-1-2026", "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
    }))
}

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn delta(delta: &Value, finish: Option<&str>) -> String {
    event(
        &json!({"model": "m-1-2026", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
    )
}

#[tokio::test]
async fn a_question_goes_out_as_chat_completions_and_the_answer_comes_back_whole() {
    let server = Server::start([said("Rain.")]).await;
    let mut config = server.config("openai");
    config.price = Some(armature_llm::Price {
        input_per_million: 1e6,
        output_per_million: 2e6,
        cached_input_per_million: None,
    });
    let request = Request {
        temperature: Some(0.5),
        max_tokens: Some(99),
        ..asking("Weather?")
    };
    let reply = armature_llm::connect(config)
        .unwrap()
        .complete(&request, None)
        .await
        .unwrap();
    assert_eq!(reply.text, "Rain.");
    assert_eq!(
        reply.usage,
        Usage {
            input_tokens: 12,
            output_tokens: 3,
            ..Usage::default()
        }
    );
    assert_eq!(reply.cost_usd, Some(18.0));
    assert_eq!(
        (reply.finish, reply.model.as_str()),
        (Finish::Stop, "m-1-2026")
    );
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(
        asked.body,
        json!({
            "model": "m-1", "temperature": 0.5, "max_completion_tokens": 99,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}],
        })
    );
}

#[tokio::test]
async fn a_tool_call_and_its_answer_make_the_round_trip() {
    let calls = json!([
        {"id": "c1", "type": "function", "function": {"name": "weather_look", "arguments": "{\"city\": \"Łódź\"}"}},
        {"id": "", "type": "function", "function": {"name": "weather_look", "arguments": "{oops"}},
    ]);
    let server = Server::start([
        Answer::json(&json!({"choices": [{"finish_reason": "tool_calls", "message": {"content": null, "tool_calls": calls}}]})),
        said("Sun."),
    ])
    .await;
    let model = server.model("openai");
    let mut request = Request {
        tools: vec![weather()],
        ..asking("Weather?")
    };
    let reply = model.complete(&request, None).await.unwrap();
    assert_eq!(reply.finish, Finish::ToolCalls);
    assert_eq!(
        reply.tool_calls[0].name, "weather.look",
        "the dot that the wire refuses is back"
    );
    assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"city": "Łódź"})));
    assert_eq!(reply.tool_calls[1].arguments, Err("{oops".to_owned()));
    assert_eq!(
        reply.tool_calls[1].id, "call_1_2",
        "a missing id is made up"
    );

    request.messages.push(reply.to_message());
    for call in &reply.tool_calls {
        let content = "{\"sky\": \"clear\"}".to_owned();
        request.messages.push(Message::Tool {
            id: call.id.clone(),
            name: call.name.clone(),
            content,
            is_error: false,
        });
    }
    request.turn = 2;
    assert_eq!(model.complete(&request, None).await.unwrap().text, "Sun.");
    let asked = server.asked();
    let tools = &asked[0].body["tools"];
    assert_eq!(tools[0]["function"]["name"], "weather_look");
    assert_eq!(tools[0]["function"]["parameters"], weather().input_schema);
    let messages = asked[1].body["messages"].as_array().unwrap();
    assert_eq!(
        messages[2]["tool_calls"][0]["function"],
        json!({"name": "weather_look", "arguments": "{\"city\":\"Łódź\"}"})
    );
    assert_eq!(
        messages[2]["tool_calls"][1]["function"]["arguments"],
        "{oops"
    );
    assert_eq!(messages[2]["content"], Value::Null);
    assert_eq!(
        messages[4],
        json!({"role": "tool", "tool_call_id": "call_1_2", "content": "{\"sky\": \"clear\"}"})
    );
}

#[tokio::test]
async fn a_stream_cut_within_json_and_within_characters_is_the_same_reply() {
    let stream = [
        ": keep-alive\r\n\r\n".to_owned(),
        delta(&json!({"role": "assistant", "content": ""}), None),
        delta(&json!({"content": "Zażółć "}), None),
        delta(&json!({"content": "gęślą 🦀"}), None),
        delta(&json!({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "weather_look", "arguments": ""}}]}), None),
        delta(&json!({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "weather_look", "arguments": "{}"}}]}), None),
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\": \"Pa"}}]}), None),
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "ris\"}"}}]}), Some("tool_calls")),
        event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    for size in [1, 7, 64, 100_000] {
        let server = Server::start([Answer::events(&stream, size)]).await;
        let pieces = Mutex::new(Vec::new());
        let push = |piece: &str| pieces.lock().unwrap().push(piece.to_owned());
        let request = Request {
            tools: vec![weather()],
            ..asking("Weather?")
        };
        let reply = server
            .model("openai")
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
        assert_eq!(reply.tool_calls.len(), 2);
        assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"city": "Paris"})));
        assert_eq!(reply.tool_calls[1].id, "c2");
        let body = &server.asked()[0].body;
        assert_eq!(
            (&body["stream"], &body["stream_options"]["include_usage"]),
            (&json!(true), &json!(true))
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_all_the_same() {
    let server = Server::start([said("Whole.")]).await;
    let pieces = Mutex::new(String::new());
    let push = |piece: &str| pieces.lock().unwrap().push_str(piece);
    let reply = server
        .model("openai")
        .complete(&asking("?"), Some(&push))
        .await
        .unwrap();
    assert_eq!(
        (reply.text.as_str(), pieces.lock().unwrap().as_str()),
        ("Whole.", "Whole.")
    );
}

fn shaped(schema: Value) -> Request {
    Request {
        output: Output::Schema {
            name: "draft output".into(),
            schema,
        },
        ..asking("?")
    }
}

#[tokio::test]
async fn strict_is_sent_only_with_schemas_that_the_provider_takes_strictly() {
    let strict = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let loose = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let server = Server::start([said("{\"a\": \"x\"}"), said("{}"), said("{\"a\": null}")]).await;
    let model = server.model("openai");
    assert_eq!(
        model
            .complete(&shaped(strict.clone()), None)
            .await
            .unwrap()
            .text,
        "{\"a\": \"x\"}"
    );
    model
        .complete(&shaped(json!({"type": "object"})), None)
        .await
        .unwrap();
    let reply = model.complete(&shaped(loose), None).await.unwrap();
    assert_eq!(reply.text, "{}", "what is optional may be left out again");
    let asked = server.asked();
    let format = &asked[0].body["response_format"];
    assert_eq!(
        *format,
        json!({"type": "json_schema", "json_schema": {"name": "draft_output", "strict": true, "schema": strict}})
    );
    assert_eq!(
        asked[1].body["response_format"]["json_schema"]["strict"],
        false
    );
    let optional = &asked[2].body["response_format"]["json_schema"];
    assert_eq!(optional["strict"], true);
    assert_eq!(
        optional["schema"]["properties"]["a"]["type"],
        json!(["string", "null"])
    );
}

#[tokio::test]
async fn a_schema_for_a_list_is_wrapped_on_the_wire_and_unwrapped_in_the_reply() {
    let stream = [
        delta(&json!({"content": "{\"value\": [1,"}), None),
        delta(&json!({"content": " 2]}"}), Some("stop")),
    ]
    .concat();
    let server = Server::start([said("{\"value\": [1]}"), Answer::events(&stream, 9)]).await;
    let model = server.model("openai");
    let request = shaped(json!({"type": "array", "items": {"type": "integer"}}));
    assert_eq!(model.complete(&request, None).await.unwrap().text, "[1]");
    let pieces = Mutex::new(String::new());
    let push = |piece: &str| pieces.lock().unwrap().push_str(piece);
    let reply = model.complete(&request, Some(&push)).await.unwrap();
    assert_eq!(
        (reply.text.as_str(), pieces.lock().unwrap().as_str()),
        ("[1,2]", "[1,2]")
    );
    assert_eq!(
        server.asked()[0].body["response_format"]["json_schema"]["schema"]["required"],
        json!(["value"])
    );
}

#[tokio::test]
async fn where_a_schema_cannot_be_sent_it_is_told_in_the_prompt() {
    let server = Server::start([said("{}"), said("{}")]).await;
    let request = shaped(json!({"type": "object", "title": "Thing"}));
    server.model("groq").complete(&request, None).await.unwrap();
    let with_tools = Request {
        tools: vec![weather()],
        ..request
    };
    server
        .model("ollama")
        .complete(&with_tools, None)
        .await
        .unwrap();
    let asked = server.asked();
    assert_eq!(
        asked[0].body["response_format"],
        json!({"type": "json_object"})
    );
    assert_eq!(
        asked[1].body.get("response_format"),
        None,
        "tools and a format together are too much for this one"
    );
    for asked in asked {
        let messages = asked.body["messages"].as_array().unwrap();
        let roles: Vec<_> = messages.iter().map(|it| it["role"].clone()).collect();
        assert_eq!(roles, ["system", "user"], "one system message, not two");
        let words = messages[0]["content"].as_str().unwrap();
        assert!(
            words.contains("\"title\":\"Thing\"") && words.contains("JSON"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn json_mode_says_json_in_the_prompt_because_the_provider_insists() {
    let server = Server::start([said("{}")]).await;
    server
        .model("openai")
        .complete(
            &Request {
                output: Output::Json,
                ..asking("?")
            },
            None,
        )
        .await
        .unwrap();
    let body = &server.asked()[0].body;
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert!(body["messages"].to_string().contains("JSON"));
}

#[tokio::test]
async fn the_reason_for_an_end_is_kept() {
    let ends = [
        ("length", Finish::Length),
        ("content_filter", Finish::Refused),
        ("stop", Finish::Stop),
        ("odd", Finish::Other),
    ];
    for (word, finish) in ends {
        let body = json!({"choices": [{"finish_reason": word, "message": {"content": "x"}}]});
        let server = Server::start([Answer::json(&body)]).await;
        assert_eq!(
            server
                .model("openai")
                .complete(&asking("?"), None)
                .await
                .unwrap()
                .finish,
            finish
        );
    }
    let body = json!({"choices": [{"finish_reason": "stop", "message": {"content": null, "refusal": "I will not."}}]});
    let server = Server::start([Answer::json(&body)]).await;
    let reply = server
        .model("openai")
        .complete(&asking("?"), None)
        .await
        .unwrap();
    assert_eq!(
        (reply.finish, reply.text.as_str()),
        (Finish::Refused, "I will not.")
    );
}

#[tokio::test]
async fn azure_sends_the_key_in_its_own_header_and_keeps_the_query() {
    let server = Server::start([said("x")]).await;
    let mut config = server.config("azure");
    config.api_base = Some(format!(
        "{}/openai/deployments/d?api-version=9",
        server.address
    ));
    armature_llm::connect(config)
        .unwrap()
        .complete(&asking("?"), None)
        .await
        .unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/openai/deployments/d/chat/completions");
    assert_eq!(
        (asked.header("api-key"), asked.header("authorization")),
        (KEY, "")
    );
}

#[tokio::test]
async fn a_model_without_tool_calling_is_told_its_tools_in_the_prompt() {
    let call = "I will look.\n```json\n{\"tool_calls\": [{\"name\": \"weather.look\", \"arguments\": {\"city\": \"Oslo\"}}]}\n```";
    let server = Server::start([said(call), said("Snow.")]).await;
    let mut config = server.config("ollama");
    config.tool_calling = Some(false);
    let model = armature_llm::connect(config).unwrap();
    let shown = Mutex::new(String::new());
    let push = |piece: &str| shown.lock().unwrap().push_str(piece);
    let mut request = Request {
        tools: vec![weather()],
        ..asking("Weather?")
    };
    let reply = model.complete(&request, Some(&push)).await.unwrap();
    assert_eq!((reply.finish, reply.text.as_str()), (Finish::ToolCalls, ""));
    assert_eq!(reply.tool_calls[0].name, "weather.look");
    assert_eq!(reply.tool_calls[0].arguments, Ok(json!({"city": "Oslo"})));
    assert_eq!(
        shown.lock().unwrap().as_str(),
        "",
        "a call is not shown as text"
    );

    request.messages.push(reply.to_message());
    let (id, name) = (
        reply.tool_calls[0].id.clone(),
        reply.tool_calls[0].name.clone(),
    );
    request.messages.push(Message::Tool {
        id,
        name,
        content: "snow".into(),
        is_error: false,
    });
    assert_eq!(
        model.complete(&request, Some(&push)).await.unwrap().text,
        "Snow."
    );
    assert_eq!(shown.lock().unwrap().as_str(), "Snow.");
    let asked = server.asked();
    for asked in &asked {
        assert_eq!(asked.body.get("tools"), None);
        let manual = asked.body["messages"][1]["content"].as_str().unwrap();
        assert!(
            manual.contains("`weather.look`: Looks at the sky."),
            "{manual}"
        );
    }
    let messages = asked[1].body["messages"].as_array().unwrap();
    assert_eq!(
        messages[4],
        json!({"role": "user", "content": "The tool `weather.look` answered:\nsnow"})
    );
    assert!(
        messages[3]["content"]
            .as_str()
            .unwrap()
            .contains("\"city\":\"Oslo\"")
    );
}
