//! What a model is asked.
//!
//! Messages are owned and plain: the engine appends to one list through a tool loop. `stage`, `turn` and `item` never go
//! over the wire; they name the call in errors and pick the scripted reply.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One call of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The stage that asks.
    pub stage: String,
    /// Which call of this stage's loop it is: the first is 1.
    pub turn: u32,
    /// The item of a fan-out, counted from 0.
    pub item: Option<usize>,
    /// The model's name as the spec gives it. Empty: the one the connection was made for.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The tools it may call. Empty: none.
    pub tools: Vec<ToolSpec>,
    /// The form the reply must have.
    pub output: Output,
    /// Left out of the wire when `None`: the provider's default.
    pub temperature: Option<f64>,
    /// The longest reply, in tokens. Left out where the provider allows that.
    pub max_tokens: Option<u64>,
}

impl Request {
    /// A request with nothing but a conversation: the first turn, no tools, text.
    #[must_use]
    pub fn new(stage: impl Into<String>, messages: Vec<Message>) -> Self {
        Self {
            stage: stage.into(),
            turn: 1,
            item: None,
            model: String::new(),
            messages,
            tools: Vec::new(),
            output: Output::Text,
            temperature: None,
            max_tokens: None,
        }
    }

    /// sha256, as hex, over everything that decides the answer. The stage's name is not among it: the same question
    /// asked by a renamed stage is the same question.
    #[must_use]
    pub fn cache_key(&self, model_id: &str) -> String {
        // Each field by name: a new one is not forgotten here.
        let Self {
            stage: _,
            turn: _,
            item: _,
            model,
            messages,
            tools,
            output,
            temperature,
            max_tokens,
        } = self;
        let question = json!({
            "v": 1,
            "model_id": model_id,
            "model": model,
            "messages": messages,
            "tools": tools,
            "output": output,
            "temperature": temperature,
            "max_tokens": max_tokens,
        });
        let mut text = String::new();
        canonical(&question, &mut text);
        hex(&Sha256::digest(text.as_bytes()))
    }

    /// `stage`, or `stage[item]` within a fan-out.
    #[must_use]
    pub fn place(&self) -> String {
        match self.item {
            Some(item) => format!("{}[{item}]", self.stage),
            None => self.stage.clone(),
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Instructions. Where a provider keeps them apart, all of them are joined in order.
    System(String),
    /// What the user, here the stage, says.
    User(String),
    /// What the model said before.
    Assistant {
        /// Its text, possibly empty.
        text: String,
        /// The tools it called.
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool answered.
    Tool {
        /// The id of the call.
        id: String,
        /// The tool's name.
        name: String,
        /// The answer, usually JSON.
        content: String,
        /// Whether the call failed.
        is_error: bool,
    },
}

/// A tool as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON Schema of its arguments: an object.
    pub input_schema: Value,
}

/// A call the model wants made.
///
/// Written down as `{"id", "name", "arguments"}`; where the arguments were no JSON, their text stands under
/// `unreadable_arguments` instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenCall", into = "WrittenCall")]
pub struct ToolCall {
    /// The provider's id, or one made up where it gave none. Unique within a reply.
    pub id: String,
    /// The tool's name, as the model wrote it: it may name no tool at all.
    pub name: String,
    /// The arguments, or the raw text when it was no JSON.
    pub arguments: Result<Value, String>,
}

/// A [`ToolCall`] as it is kept.
#[derive(Serialize, Deserialize)]
struct WrittenCall {
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable_arguments: Option<String>,
}

impl From<ToolCall> for WrittenCall {
    fn from(call: ToolCall) -> Self {
        let (arguments, unreadable_arguments) = match call.arguments {
            Ok(arguments) => (Some(arguments), None),
            Err(text) => (None, Some(text)),
        };
        Self {
            id: call.id,
            name: call.name,
            arguments,
            unreadable_arguments,
        }
    }
}

impl From<WrittenCall> for ToolCall {
    fn from(call: WrittenCall) -> Self {
        Self {
            id: call.id,
            name: call.name,
            arguments: match call.unreadable_arguments {
                Some(text) => Err(text),
                None => Ok(call.arguments.unwrap_or_default()),
            },
        }
    }
}

/// The form a reply must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Prose.
    #[default]
    Text,
    /// One JSON value of any shape.
    Json,
    /// JSON that satisfies a schema. Providers enforce it as far as they can; the caller still checks.
    Schema {
        /// A short name for the schema, shown to the model.
        name: String,
        /// The JSON Schema.
        schema: Value,
    },
}

/// JSON with the keys of every object in order: the same question in another order of keys is the same question.
fn canonical(value: &Value, into: &mut String) {
    match value {
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                canonical(item, into);
            }
            into.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            into.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                into.push_str(&Value::from(key.as_str()).to_string());
                into.push(':');
                canonical(item, into);
            }
            into.push('}');
        }
        scalar => into.push_str(&scalar.to_string()),
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let mut request = Request::new("draft", vec![Message::User("hello".into())]);
        request.tools.push(ToolSpec {
            name: "look".into(),
            description: "Looks.".into(),
            input_schema: json!({"type": "object", "properties": {"a": {}, "b": {}}}),
        });
        request
    }

    #[test]
    fn a_call_is_kept_in_plain_json_and_read_back_as_it_was() {
        let call = |arguments| ToolCall {
            id: "c1".into(),
            name: "t".into(),
            arguments,
        };
        let good = call(Ok(serde_json::json!({"a": 1})));
        let kept = serde_json::to_value(&good).unwrap();
        assert_eq!(
            kept,
            serde_json::json!({"id": "c1", "name": "t", "arguments": {"a": 1}})
        );
        for call in [good, call(Err("{oops".into())), call(Ok(Value::Null))] {
            let kept = serde_json::to_string(&call).unwrap();
            assert_eq!(
                serde_json::from_str::<ToolCall>(&kept).unwrap(),
                call,
                "{kept}"
            );
        }
    }

    #[test]
    fn everything_that_changes_the_answer_changes_the_key() {
        let base = request().cache_key("openai/x");
        assert_eq!(base.len(), 64);
        type Change = fn(&mut Request);
        let changes: [(&str, Change); 6] = [
            ("model", |r| r.model = "y".into()),
            ("messages", |r| {
                r.messages.push(Message::User("more".into()));
            }),
            ("tools", |r| r.tools.clear()),
            ("output", |r| r.output = Output::Json),
            ("temperature", |r| r.temperature = Some(0.2)),
            ("max_tokens", |r| r.max_tokens = Some(9)),
        ];
        for (what, change) in changes {
            let mut other = request();
            change(&mut other);
            assert_ne!(other.cache_key("openai/x"), base, "{what}");
        }
        assert_ne!(request().cache_key("openai/x@elsewhere"), base);
    }

    #[test]
    fn who_asks_and_the_order_of_keys_do_not_change_the_key() {
        let mut other = request();
        other.stage = "renamed".into();
        other.turn = 3;
        other.item = Some(2);
        other.tools[0].input_schema = json!({"properties": {"b": {}, "a": {}}, "type": "object"});
        assert_eq!(other.cache_key("openai/x"), request().cache_key("openai/x"));
    }
}
