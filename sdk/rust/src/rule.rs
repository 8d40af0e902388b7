//! Rules: one question about each tool call. A rule sees the event and nothing else, so that the same event always
//! gets the same verdict; a rule that cannot answer blocks.

use serde::de::DeserializeOwned;

use crate::Reversibility;
use crate::bindings::rule::exports::armature::plugin::rule_api as exported;
use crate::tool::without_position;

/// When the rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the call: there is no result, and [`Verdict::Block`] prevents it.
    Pre,
    /// After the call: there is a result, and [`Verdict::Block`] withholds it.
    Post,
}

/// Who asked for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A `tool_call` stage of the workflow.
    Stage,
    /// The model of a role stage.
    Model,
    /// An adapter.
    Adapter,
    /// Another tool.
    Plugin,
    /// A person at the command line.
    Operator,
}

/// What the run has used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spending {
    /// Cost of model calls in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// Tokens of model calls, in and out.
    pub tokens: u64,
    /// Model calls.
    pub llm_calls: u64,
    /// Tool calls, this one not counted.
    pub tool_calls: u64,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Before or after the call.
    pub phase: Phase,
    /// The tool's name, or the adapter's.
    pub tool: String,
    /// The plugin that has it.
    pub plugin: String,
    /// The arguments as JSON text; [`Event::arguments`] reads them.
    pub arguments_json: String,
    /// The result as JSON text, after the call; [`Event::result`] reads it.
    pub result_json: Option<String>,
    /// The stage in which it happens; empty outside a workflow.
    pub stage: String,
    /// Who asked.
    pub caller: Caller,
    /// Whether the call can be undone; `None` when nobody knows.
    pub reversibility: Option<Reversibility>,
    /// What the run has used so far.
    pub spent: Spending,
}

impl Event {
    /// The arguments, read as a type of yours or as `Value`.
    ///
    /// # Errors
    /// Says what does not fit. Returned from a rule with `?`, it blocks the call.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.arguments_json)
            .map_err(|error| format!("arguments: {}", without_position(&error)))
    }

    /// The result, if the call was made, read as a type of yours or as `Value`.
    ///
    /// # Errors
    /// Says what does not fit. Returned from a rule with `?`, it blocks the call.
    pub fn result<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        let read = |text: &String| serde_json::from_str(text);
        self.result_json
            .as_ref()
            .map(read)
            .transpose()
            .map_err(|error| format!("result: {}", without_position(&error)))
    }
}

/// The answer. The most restrictive answer of all rules wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Allow,
    /// Fine, but write it down.
    Log(String),
    /// Fine, but tell the person who runs this.
    Warn(String),
    /// Only if a person agrees.
    RequireApproval(String),
    /// No.
    Block(String),
}

/// Makes a component of a rule: `export_rule!(check);`
///
/// Once in a crate. The function takes an [`Event`](crate::Event) and the rule's `config` as any type that can be
/// deserialized, and returns `Result<Verdict, String>`. An error, like a configuration that cannot be read, blocks.
#[macro_export]
macro_rules! export_rule {
    ($rule:path) => {
        const _: () = {
            use $crate::__private::bindings::rule::exports::armature::plugin::rule_api as contract;

            struct Plugin;

            impl contract::Guest for Plugin {
                fn check(event: contract::Event) -> contract::Verdict {
                    $crate::__private::check_rule($rule, event)
                }
            }

            $crate::__private::bindings::rule::export_rule_world!(
                Plugin with_types_in $crate::__private::bindings::rule
            );
        };
    };
}

/// Asks a rule function about an event of the contract.
pub fn check<Config: DeserializeOwned>(
    rule: impl FnOnce(&Event, Config) -> Result<Verdict, String>,
    event: exported::Event,
) -> exported::Verdict {
    let answer = match serde_json::from_str(&event.config) {
        Ok(config) => rule(&Event::from(event), config),
        Err(error) => Err(format!("config: {}", without_position(&error))),
    };
    match answer {
        Ok(Verdict::Allow) => exported::Verdict::Allow,
        Ok(Verdict::Log(text)) => exported::Verdict::Log(text),
        Ok(Verdict::Warn(text)) => exported::Verdict::Warn(text),
        Ok(Verdict::RequireApproval(text)) => exported::Verdict::RequireApproval(text),
        Ok(Verdict::Block(text)) => exported::Verdict::Block(text),
        Err(text) => exported::Verdict::Block(format!("the rule cannot judge this call: {text}")),
    }
}

impl From<exported::Event> for Event {
    fn from(event: exported::Event) -> Self {
        Self {
            phase: match event.phase {
                exported::Phase::Pre => Phase::Pre,
                exported::Phase::Post => Phase::Post,
            },
            tool: event.tool,
            plugin: event.plugin,
            arguments_json: event.arguments,
            result_json: event.result,
            stage: event.stage,
            caller: match event.caller {
                exported::Caller::Stage => Caller::Stage,
                exported::Caller::Model => Caller::Model,
                exported::Caller::Adapter => Caller::Adapter,
                exported::Caller::Plugin => Caller::Plugin,
                exported::Caller::Operator => Caller::Operator,
            },
            reversibility: match event.reversibility {
                exported::Reversibility::Full => Some(Reversibility::Full),
                exported::Reversibility::Partial => Some(Reversibility::Partial),
                exported::Reversibility::None => Some(Reversibility::None),
                exported::Reversibility::Unknown => None,
            },
            spent: Spending {
                cost_usd: event.spent.cost_usd,
                tokens: event.spent.tokens,
                llm_calls: event.spent.llm_calls,
                tool_calls: event.spent.tool_calls,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn event(config: &str, arguments: &str) -> exported::Event {
        exported::Event {
            phase: exported::Phase::Pre,
            tool: "file_write".into(),
            plugin: "file".into(),
            arguments: arguments.into(),
            result: None,
            stage: String::new(),
            caller: exported::Caller::Model,
            reversibility: exported::Reversibility::Partial,
            spent: exported::Spending {
                cost_usd: 0.0,
                tokens: 0,
                llm_calls: 0,
                tool_calls: 0,
            },
            config: config.into(),
        }
    }

    fn no_secrets(event: &Event, _: Value) -> Result<Verdict, String> {
        let arguments: Value = event.arguments()?;
        Ok(if arguments["path"] == ".env" {
            Verdict::Block("no".into())
        } else {
            Verdict::Allow
        })
    }

    #[test]
    fn a_rule_answers_about_the_event() {
        assert!(matches!(
            check(no_secrets, event("{}", r#"{"path":".env"}"#)),
            exported::Verdict::Block(_)
        ));
        assert!(matches!(
            check(no_secrets, event("{}", r#"{"path":"a"}"#)),
            exported::Verdict::Allow
        ));
    }

    #[test]
    fn a_rule_that_cannot_answer_blocks() {
        assert!(matches!(
            check(no_secrets, event("{", "{}")),
            exported::Verdict::Block(_)
        ));
        assert!(matches!(
            check(no_secrets, event("{}", "{")),
            exported::Verdict::Block(_)
        ));
    }
}
