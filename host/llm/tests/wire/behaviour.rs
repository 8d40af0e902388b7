//! One suite for every wire: what a server does, and what must come of it, streamed and not.
//!
//! Each case runs against a real server on loopback that speaks the wire, within a time of its own; a case that hangs
//! fails.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use armature_llm::{
    Finish, LlmError, Message, ModelConfig, Output, Reply, Request, RetryPolicy, ToolSpec, connect,
    extract_json,
};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message as Frame};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{Answer, KEY, Server};

/// Longer than any case takes by far.
const AT_MOST: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    OpenAi,
    Anthropic,
    Ollama,
    Gemini,
    Bedrock,
}

const WIRES: [Wire; 5] = [
    Wire::OpenAi,
    Wire::Anthropic,
    Wire::Ollama,
    Wire::Gemini,
    Wire::Bedrock,
];

/// What a model says, whatever the wire.
#[derive(Clone, Default)]
struct Said {
    text: &'static str,
    calls: Vec<Value>,
    refused: bool,
}

fn text(text: &'static str) -> Said {
    Said {
        text,
        ..Said::default()
    }
}

/// An event of an Amazon stream.
fn frame(kind: &'static str, payload: &Value) -> Vec<u8> {
    let text = |text: &'static str| HeaderValue::String(text.into());
    let message = Frame::new(payload.to_string().into_bytes())
        .add_header(Header::new(":message-type", text("event")))
        .add_header(Header::new(":event-type", text(kind)));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

impl Wire {
    fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    fn config(self, server: &Server) -> ModelConfig {
        let mut config = server.config(self.provider());
        if !matches!(self, Self::OpenAi | Self::Anthropic) {
            config.api_base = Some(server.address.clone());
        }
        config
    }

    fn path(self, is_streaming: bool) -> &'static str {
        match (self, is_streaming) {
            (Self::OpenAi, _) => "/v1/chat/completions",
            (Self::Anthropic, _) => "/v1/messages",
            (Self::Ollama, _) => "/api/chat",
            (Self::Gemini, false) => "/v1beta/models/m-1:generateContent",
            (Self::Gemini, true) => "/v1beta/models/m-1:streamGenerateContent",
            (Self::Bedrock, false) => "/model/m-1/converse",
            (Self::Bedrock, true) => "/model/m-1/converse-stream",
        }
    }

    /// A whole reply: 12 tokens read, 5 of them kept before, 7 written.
    fn whole(self, said: &Said) -> Value {
        let finish = |refused: &'static str, calls: &'static str, stop: &'static str| match said {
            Said { refused: true, .. } => refused,
            Said { calls, .. } if calls.is_empty() => stop,
            _ => calls,
        };
        let calls = said.calls.iter();
        match self {
            Self::OpenAi => {
                let calls: Vec<Value> = calls
                    .enumerate()
                    .map(|(n, args)| {
                        json!({"id": format!("c{n}"), "type": "function",
                        "function": {"name": "look", "arguments": args.to_string()}})
                    })
                    .collect();
                json!({"model": "m-1", "choices": [{"finish_reason": finish("content_filter", "tool_calls", "stop"),
                    "message": {"role": "assistant", "content": said.text, "tool_calls": calls}}],
                    "usage": {"prompt_tokens": 12, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5},
                        "completion_tokens_details": {"reasoning_tokens": 3}}})
            }
            Self::Anthropic => {
                let calls = calls.enumerate().map(|(n, args)| json!({"type": "tool_use", "id": format!("c{n}"), "name": "look", "input": args}));
                let blocks: Vec<Value> = [json!({"type": "text", "text": said.text})]
                    .into_iter()
                    .chain(calls)
                    .collect();
                json!({"type": "message", "model": "m-1", "content": blocks,
                    "stop_reason": finish("refusal", "tool_use", "end_turn"),
                    "usage": {"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 7}})
            }
            Self::Ollama => {
                let calls: Vec<Value> = calls
                    .map(|args| json!({"function": {"name": "look", "arguments": args}}))
                    .collect();
                json!({"model": "m-1", "message": {"role": "assistant", "content": said.text, "tool_calls": calls},
                    "done": true, "done_reason": "stop", "prompt_eval_count": 12, "eval_count": 7})
            }
            Self::Gemini => {
                let calls = calls.enumerate().map(|(n, args)| {
                    json!({"functionCall": {"name": "look", "args": args},
                    "thoughtSignature": format!("sig-{n}")})
                });
                let parts: Vec<Value> = [json!({"text": said.text})]
                    .into_iter()
                    .chain(calls)
                    .collect();
                json!({"candidates": [{"content": {"role": "model", "parts": parts},
                    "finishReason": finish("SAFETY", "STOP", "STOP")}], "modelVersion": "m-1",
                    "usageMetadata": {"promptTokenCount": 12, "cachedContentTokenCount": 5, "candidatesTokenCount": 4,
                        "thoughtsTokenCount": 3}})
            }
            Self::Bedrock => {
                let calls = calls.enumerate().map(|(n, args)| json!({"toolUse": {"toolUseId": format!("c{n}"), "name": "look", "input": args}}));
                let blocks: Vec<Value> = [json!({"text": said.text})]
                    .into_iter()
                    .chain(calls)
                    .collect();
                json!({"output": {"message": {"role": "assistant", "content": blocks}},
                    "stopReason": finish("guardrail_intervened", "tool_use", "end_turn"),
                    "usage": {"inputTokens": 7, "cacheReadInputTokens": 5, "outputTokens": 7}})
            }
        }
    }

    /// The same in pieces, the text in two of them, as the lines of a stream.
    fn pieces(self, said: &Said) -> Vec<Vec<u8>> {
        if self == Self::Bedrock {
            return self.frames(said);
        }
        let lines = self.lines(said).into_iter();
        lines.map(String::into_bytes).collect()
    }

    /// What Bedrock streams: frames, each an event.
    fn frames(self, said: &Said) -> Vec<Vec<u8>> {
        let half = said.text.floor_char_boundary(said.text.len() / 2);
        let (first, second) = said.text.split_at(half);
        let whole = self.whole(said);
        let delta = |place: usize, delta: Value| {
            frame(
                "contentBlockDelta",
                &json!({"contentBlockIndex": place, "delta": delta}),
            )
        };
        let mut frames = vec![
            delta(0, json!({"text": first})),
            delta(0, json!({"text": second})),
        ];
        for (n, args) in said.calls.iter().enumerate() {
            let call = json!({"toolUse": {"toolUseId": format!("c{n}"), "name": "look"}});
            frames.push(frame(
                "contentBlockStart",
                &json!({"contentBlockIndex": n + 1, "start": call}),
            ));
            let args = args.to_string();
            for half in [&args[..1], &args[1..]] {
                frames.push(delta(n + 1, json!({"toolUse": {"input": half}})));
            }
        }
        frames.push(frame(
            "messageStop",
            &json!({"stopReason": whole["stopReason"]}),
        ));
        frames.push(frame("metadata", &json!({"usage": whole["usage"]})));
        frames
    }

    fn lines(self, said: &Said) -> Vec<String> {
        let half = said.text.floor_char_boundary(said.text.len() / 2);
        let (first, second) = said.text.split_at(half);
        let whole = self.whole(said);
        let event = |data: Value| format!("data: {data}\n\n");
        match self {
            Self::OpenAi => {
                let delta = |text: &str| {
                    event(json!({"model": "m-1", "choices": [{"delta": {"content": text}}]}))
                };
                let mut message = whole["choices"][0]["message"].clone();
                message["content"] = Value::Null;
                for (n, call) in message["tool_calls"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .enumerate()
                {
                    call["index"] = n.into();
                }
                vec![
                    delta(first),
                    delta(second),
                    event(
                        json!({"choices": [{"delta": message, "finish_reason": whole["choices"][0]["finish_reason"]}]}),
                    ),
                    event(json!({"choices": [], "usage": whole["usage"]})),
                    "data: [DONE]\n\n".to_owned(),
                ]
            }
            Self::Anthropic => {
                let delta = |text: &str| {
                    event(json!({"type": "content_block_delta", "index": 0,
                    "delta": {"type": "text_delta", "text": text}}))
                };
                let mut pieces = vec![
                    event(
                        json!({"type": "message_start", "message": {"type": "message", "model": "m-1", "content": [],
                        "usage": whole["usage"]}}),
                    ),
                    event(
                        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                    ),
                    delta(first),
                    delta(second),
                ];
                for (n, args) in said.calls.iter().enumerate() {
                    pieces.push(event(json!({"type": "content_block_start", "index": n + 1,
                        "content_block": {"type": "tool_use", "id": format!("c{n}"), "name": "look", "input": {}}})));
                    pieces.push(event(json!({"type": "content_block_delta", "index": n + 1,
                        "delta": {"type": "input_json_delta", "partial_json": args.to_string()}})));
                }
                pieces.push(event(json!({"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"]}})));
                pieces.push(event(json!({"type": "message_stop"})));
                pieces
            }
            Self::Ollama => {
                let delta = |text: &str| {
                    format!("{}\n", json!({"message": {"content": text}, "done": false}))
                };
                let mut last = whole;
                last["message"]["content"] = "".into();
                vec![delta(first), delta(second), format!("{last}\n")]
            }
            Self::Gemini => {
                let delta = |text: &str| {
                    event(json!({"candidates": [{"content": {"parts": [{"text": text}]}}]}))
                };
                let mut last = whole;
                last["candidates"][0]["content"]["parts"]
                    .as_array_mut()
                    .unwrap()
                    .remove(0);
                vec![delta(first), delta(second), event(last)]
            }
            Self::Bedrock => Vec::new(),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::Bedrock => "application/vnd.amazon.eventstream",
            _ => "text/event-stream",
        }
    }

    fn answer(self, said: &Said, is_streaming: bool) -> Answer {
        if is_streaming {
            Answer::stream(self.kind(), self.pieces(said).concat(), 7)
        } else {
            Answer::json(&self.whole(said))
        }
    }

    /// A refusal by the server, in its words.
    fn error(self, status: u16, code: &str) -> Answer {
        let body = match self {
            Self::Ollama => json!({"error": format!("no: {code}")}),
            Self::Bedrock => json!({"message": format!("no: {code}")}),
            _ => json!({"error": {"type": code, "code": code, "message": format!("no, {KEY}")}}),
        };
        Answer::text(status, &body.to_string())
    }
}

/// What came of a case: the result, what was shown, and what the server was asked.
struct Came {
    result: Result<Reply, LlmError>,
    shown: Vec<String>,
    asked: Vec<crate::server::Asked>,
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_MOST, what)
        .await
        .expect("the case ends within its time")
}

async fn case(
    wire: Wire,
    is_streaming: bool,
    request: &Request,
    answers: Vec<Answer>,
    change: impl Fn(&mut ModelConfig),
) -> Came {
    let server = Server::start(answers).await;
    let mut config = wire.config(&server);
    change(&mut config);
    let model = connect(config).unwrap();
    let shown = Mutex::new(Vec::new());
    let push = |piece: &str| shown.lock().unwrap().push(piece.to_owned());
    let asked = model.complete(request, is_streaming.then_some(&push));
    let result = in_time(asked).await;
    if let Err(error) = &result {
        let words = format!("{error} {error:?} {}", error.hint());
        assert!(!words.contains(KEY), "{wire:?}: the key is shown: {words}");
        assert!(!error.hint().is_empty());
    }
    Came {
        result,
        shown: shown.into_inner().unwrap(),
        asked: server.asked(),
    }
}

fn unchanged(_: &mut ModelConfig) {}

fn asking(output: Output) -> Request {
    Request {
        output,
        ..Request::new(
            "draft",
            vec![
                Message::System("Be brief.".into()),
                Message::User("?".into()),
            ],
        )
    }
}

fn tools() -> Vec<ToolSpec> {
    vec![ToolSpec {
        name: "look".into(),
        description: "Looks.".into(),
        input_schema: json!({"type": "object", "properties": {"at": {"type": "string"}}}),
    }]
}

/// Every wire, streamed and not.
fn everywhere() -> impl Iterator<Item = (Wire, bool)> {
    WIRES
        .into_iter()
        .flat_map(|wire| [(wire, false), (wire, true)])
}

#[tokio::test]
async fn a_text_comes_back_whole_with_its_tokens_and_is_shown_as_it_comes() {
    for (wire, streamed) in everywhere() {
        let said = text("Zażółć gęślą.");
        let answers = vec![wire.answer(&said, streamed)];
        let came = case(wire, streamed, &asking(Output::Text), answers, unchanged).await;
        let reply = came.result.unwrap();
        assert_eq!(reply.text, said.text, "{wire:?} {streamed}");
        assert_eq!(reply.finish, Finish::Stop);
        assert_eq!(reply.model, "m-1");
        let usage = reply.usage;
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (12, 7),
            "{wire:?}"
        );
        let kept = if wire == Wire::Ollama { 0 } else { 5 };
        assert_eq!(usage.cached_input_tokens, kept, "{wire:?}");
        let thought = if matches!(wire, Wire::OpenAi | Wire::Gemini) {
            3
        } else {
            0
        };
        assert_eq!(usage.reasoning_tokens, thought, "{wire:?}");
        assert_eq!(came.shown.concat(), if streamed { said.text } else { "" });
        assert_eq!(came.shown.len() > 1, streamed, "{wire:?}");
        assert_eq!(came.asked[0].path, wire.path(streamed));
    }
}

#[tokio::test]
async fn json_that_a_schema_asks_for_comes_back_as_that() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}});
    for (wire, streamed) in everywhere() {
        let output = Output::Schema {
            name: "out".into(),
            schema: schema.clone(),
        };
        let said = match wire {
            // Strict mode fills what is optional with null; the messages wire carries the answer as a call.
            Wire::OpenAi => text("{\"a\": 1, \"b\": null}"),
            _ => text("{\"a\": 1}"),
        };
        let answers = vec![wire.answer(&said, streamed)];
        let came = case(wire, streamed, &asking(output), answers, unchanged).await;
        let reply = came.result.unwrap();
        assert_eq!(extract_json(&reply.text), Some(json!({"a": 1})), "{wire:?}");
        let body = came.asked[0].body.to_string();
        assert!(
            body.contains("integer"),
            "{wire:?} is told the schema: {body}"
        );
    }
}

#[tokio::test]
async fn tool_calls_come_back_in_order_and_their_answers_go_out_again() {
    for (wire, streamed) in everywhere() {
        let said = Said {
            calls: vec![json!({"at": "łąka"}), json!({})],
            ..text("Looking.")
        };
        let server = Server::start([
            wire.answer(&said, streamed),
            wire.answer(&text("Seen."), streamed),
        ])
        .await;
        let model = connect(wire.config(&server)).unwrap();
        let show = |_: &str| {};
        let on_token: Option<armature_llm::OnToken<'_>> = if streamed { Some(&show) } else { None };
        let mut request = Request {
            tools: tools(),
            ..asking(Output::Text)
        };
        let reply = in_time(model.complete(&request, on_token)).await.unwrap();
        assert_eq!(reply.finish, Finish::ToolCalls, "{wire:?} {streamed}");
        let arguments: Vec<_> = reply
            .tool_calls
            .iter()
            .map(|call| call.arguments.clone())
            .collect();
        assert_eq!(
            arguments,
            [Ok(json!({"at": "łąka"})), Ok(json!({}))],
            "{wire:?}"
        );
        assert!(reply.tool_calls.iter().all(|call| call.name == "look"));
        assert_ne!(reply.tool_calls[0].id, reply.tool_calls[1].id);
        request.messages.push(reply.to_message());
        for (call, is_error) in reply.tool_calls.iter().zip([false, true]) {
            request.messages.push(Message::Tool {
                id: call.id.clone(),
                name: call.name.clone(),
                content: "{\"sky\":\"clear\"}".into(),
                is_error,
            });
        }
        request.turn = 2;
        let reply = in_time(model.complete(&request, on_token)).await.unwrap();
        assert_eq!(reply.text, "Seen.");
        let sent = server.asked()[1].body.to_string();
        assert_eq!(sent.matches("clear").count(), 2, "{wire:?}: {sent}");
        assert!(sent.contains("łąka"), "{wire:?}: the calls are there too");
        if wire == Wire::Gemini {
            assert!(sent.contains("\"thoughtSignature\":\"sig-1\""), "{sent}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_one_and_an_empty_answer_is_empty() {
    for (wire, streamed) in everywhere() {
        let refused = Said {
            refused: true,
            ..text("I would rather not.")
        };
        // Ollama's servers have no word for it: what the model says is all there is.
        let expected = if wire == Wire::Ollama {
            Finish::Stop
        } else {
            Finish::Refused
        };
        let came = case(
            wire,
            streamed,
            &asking(Output::Text),
            vec![wire.answer(&refused, streamed)],
            unchanged,
        )
        .await;
        assert_eq!(came.result.unwrap().finish, expected, "{wire:?}");
        let came = case(
            wire,
            streamed,
            &asking(Output::Text),
            vec![wire.answer(&text(""), streamed)],
            unchanged,
        )
        .await;
        let reply = came.result.unwrap();
        assert_eq!(
            (reply.text.as_str(), reply.finish),
            ("", Finish::Stop),
            "{wire:?}"
        );
    }
}

#[tokio::test]
async fn json_that_is_none_is_handed_on_and_a_reply_that_is_none_is_an_error() {
    for (wire, streamed) in everywhere() {
        let said = text("{\"a\": 1");
        let came = case(
            wire,
            streamed,
            &asking(Output::Json),
            vec![wire.answer(&said, streamed)],
            unchanged,
        )
        .await;
        let reply = came.result.unwrap();
        assert_eq!(reply.text, said.text, "{wire:?}");
        assert_eq!(extract_json(&reply.text), None);
        for garbage in [
            "<html>",
            "{}",
            "[]",
            "{\"message\": 7, \"candidates\": [7], \"choices\": [7], \"output\": 7}",
        ] {
            let answers = vec![Answer::text(200, garbage)];
            let came = case(wire, streamed, &asking(Output::Text), answers, unchanged).await;
            let error = came.result.unwrap_err();
            assert!(
                matches!(error, LlmError::BadReply { .. }),
                "{wire:?} {garbage}: {error:?}"
            );
            assert_eq!(came.asked.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_too_soon_is_a_failed_connection_and_is_not_shown_twice() {
    for wire in WIRES {
        let mut pieces = wire.pieces(&text("Once upon a time."));
        // As far as the first words.
        pieces.truncate(if wire == Wire::Anthropic { 3 } else { 1 });
        let answers = vec![
            Answer::stream(wire.kind(), pieces.concat(), 5),
            wire.answer(&text("Again."), true),
        ];
        let came = case(wire, true, &asking(Output::Text), answers, unchanged).await;
        let shown = came.shown.concat();
        assert_eq!(shown, "Once upo", "{wire:?}");
        let error = came.result.unwrap_err();
        assert!(
            matches!(error, LlmError::Connect { tries: 1, .. }),
            "{wire:?}: {error:?}"
        );
        assert_eq!(came.asked.len(), 1);
    }
}

#[tokio::test]
async fn every_refusal_of_a_server_has_its_class_and_its_rule_for_trying_again() {
    type Check = fn(&LlmError) -> bool;
    let table: [(u16, &str, usize, Check); 8] = [
        (401, "invalid_key", 1, |e| {
            matches!(e, LlmError::Auth { status: 401, .. })
        }),
        (402, "payment required", 1, |e| {
            matches!(e, LlmError::Credits { .. })
        }),
        (429, "slow down", 3, |e| {
            matches!(e, LlmError::RateLimited { tries: 3, .. })
        }),
        (500, "broken", 3, |e| {
            matches!(
                e,
                LlmError::Overloaded {
                    status: 500,
                    tries: 3,
                    ..
                }
            )
        }),
        (529, "overloaded_error", 3, |e| {
            matches!(e, LlmError::Overloaded { status: 529, .. })
        }),
        (400, "context_length_exceeded", 1, |e| {
            matches!(e, LlmError::TooLong { .. })
        }),
        (400, "content_filter", 1, |e| {
            matches!(e, LlmError::Filtered { .. })
        }),
        (404, "no such model", 1, |e| {
            matches!(e, LlmError::BadRequest { status: 404, .. })
        }),
    ];
    for (wire, streamed) in everywhere() {
        for (status, code, tries, check) in table {
            let answers = (0..4).map(|_| wire.error(status, code)).collect();
            let came = case(wire, streamed, &asking(Output::Text), answers, unchanged).await;
            let error = came.result.unwrap_err();
            assert!(check(&error), "{wire:?} {status} {code}: {error:?}");
            assert_eq!(came.asked.len(), tries, "{wire:?} {status} {code}");
            assert!(came.shown.is_empty());
        }
    }
}

#[tokio::test]
async fn a_rate_limit_that_says_how_long_is_waited_out_for_so_long() {
    for (wire, streamed) in everywhere() {
        let answers = vec![
            wire.error(429, "slow down").header("retry-after", "0"),
            wire.answer(&text("Now."), streamed),
        ];
        let came = case(wire, streamed, &asking(Output::Text), answers, |config| {
            // Only the server's own word can be what ends the wait.
            config.retry = RetryPolicy {
                base: Duration::from_secs(3600),
                cap: Duration::from_secs(3600),
                ..RetryPolicy::default()
            };
        })
        .await;
        assert_eq!(came.result.unwrap().text, "Now.", "{wire:?}");
        assert_eq!(came.asked.len(), 2);
    }
}

#[tokio::test]
async fn a_slow_first_byte_is_waited_for_and_silence_is_not() {
    for (wire, streamed) in everywhere() {
        let slow = wire
            .answer(&text("At last."), streamed)
            .late(Duration::from_millis(60));
        let came = case(wire, streamed, &asking(Output::Text), vec![slow], unchanged).await;
        assert_eq!(came.result.unwrap().text, "At last.", "{wire:?}");
        let impatient = |config: &mut ModelConfig| {
            config.timeout = Duration::from_millis(120);
            config.idle_timeout = Duration::from_millis(60);
        };
        let came = case(
            wire,
            streamed,
            &asking(Output::Text),
            vec![Answer::silence()],
            impatient,
        )
        .await;
        let error = came.result.unwrap_err();
        assert!(
            matches!(error, LlmError::Timeout { .. }),
            "{wire:?}: {error:?}"
        );
        assert_eq!(came.asked.len(), 1, "another try would take as long");
        if streamed {
            let first = wire.pieces(&text("Once upon a time."))[0].clone();
            let stuck = Answer::stuck(wire.kind(), &first);
            let came = case(wire, true, &asking(Output::Text), vec![stuck], impatient).await;
            let error = came.result.unwrap_err();
            assert!(
                matches!(error, LlmError::Timeout { .. }),
                "{wire:?}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_closes_its_connection() {
    for (wire, streamed) in everywhere() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = ModelConfig::new(wire.provider(), "m-1");
        config.api_base = Some(format!("http://{}", listener.local_addr().unwrap()));
        config.api_key = Some(KEY.into());
        let model = connect(config).unwrap();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            assert!(peer.read(&mut bytes).await.unwrap() > 0);
            // A reply that has begun and does not end.
            peer.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\n",
            )
            .await
            .unwrap();
            begun.send(()).unwrap();
            loop {
                match peer.read(&mut bytes).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        });
        let call = tokio::spawn(async move {
            let show = |_: &str| {};
            let on_token: Option<armature_llm::OnToken<'_>> =
                if streamed { Some(&show) } else { None };
            let _ = model.complete(&asking(Output::Text), on_token).await;
        });
        in_time(has_begun).await.unwrap();
        call.abort();
        in_time(server)
            .await
            .expect("the server sees the end of the connection");
    }
}

#[tokio::test]
async fn a_reply_that_comes_whole_may_be_silent_for_longer_than_one_that_comes_in_pieces() {
    for (wire, streamed) in everywhere().filter(|(_, streamed)| !streamed) {
        let late = wire
            .answer(&text("At last."), streamed)
            .late(Duration::from_millis(150));
        let came = case(
            wire,
            streamed,
            &asking(Output::Text),
            vec![late],
            |config| {
                config.idle_timeout = Duration::from_millis(20);
            },
        )
        .await;
        assert_eq!(came.result.unwrap().text, "At last.", "{wire:?}");
    }
}
