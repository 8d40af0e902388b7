//! Adapters: one step of a workflow that is neither a model nor a single tool call.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::adapter::exports::armature::plugin::adapter_api as exported;
use crate::tool::without_position;
use crate::{ToolError, fs, http, kv};

/// Why an adapter has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterError {
    /// The configuration or the context is wrong; say which key and why.
    Invalid(String),
    /// Not allowed.
    Denied(String),
    /// Something is missing: a file, a page, a record.
    NotFound(String),
    /// It may work later.
    Unavailable(String),
    /// It took too long.
    Timeout(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text)
            | Self::Denied(text)
            | Self::NotFound(text)
            | Self::Unavailable(text)
            | Self::Timeout(text)
            | Self::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AdapterError {}

impl From<ToolError> for AdapterError {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Denied(text) => Self::Denied(text),
            ToolError::NotFound(text) => Self::NotFound(text),
            ToolError::Unavailable(text) => Self::Unavailable(text),
            ToolError::Timeout(text) => Self::Timeout(text),
            ToolError::InvalidArguments(text)
            | ToolError::UnknownTool(text)
            | ToolError::Failed(text) => Self::Failed(text),
        }
    }
}

macro_rules! like_a_tool_error {
    ($($error:ty),+) => { $(
        impl From<$error> for AdapterError {
            fn from(error: $error) -> Self {
                ToolError::from(error).into()
            }
        }
    )+ };
}
like_a_tool_error!(fs::Error, http::Error, kv::Error, String, &str);

/// Makes a component of an adapter: `export_adapter!(text_stats);`
///
/// Once in a crate. The function takes the configuration (what the workflow's author wrote under `args`) and the
/// context (inputs and results so far), both of any type that can be deserialized, and returns a `Result` of anything
/// that can be serialized; its error is anything that [`AdapterError`](crate::AdapterError) can be made from.
#[macro_export]
macro_rules! export_adapter {
    ($adapter:path) => {
        const _: () = {
            use $crate::__private::bindings::adapter::exports::armature::plugin::adapter_api as contract;

            struct Plugin;

            impl contract::Guest for Plugin {
                fn run(
                    config: ::std::string::String,
                    context: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, contract::Error> {
                    $crate::__private::report_panics();
                    $crate::__private::run_adapter($adapter, &config, &context)
                }
            }

            $crate::__private::bindings::adapter::export_adapter_world!(
                Plugin with_types_in $crate::__private::bindings::adapter
            );
        };
    };
}

/// Calls an adapter function with JSON and gives JSON back.
pub fn run<Config, Inputs, Output, Failure>(
    adapter: impl FnOnce(Config, Inputs) -> Result<Output, Failure>,
    config: &str,
    context: &str,
) -> Result<String, exported::Error>
where
    Config: DeserializeOwned,
    Inputs: DeserializeOwned,
    Output: Serialize,
    Failure: Into<AdapterError>,
{
    let invalid = |what: &str, error: &serde_json::Error| {
        exported::Error::Invalid(format!("{what}: {}", without_position(error)))
    };
    let config = serde_json::from_str(config).map_err(|error| invalid("args", &error))?;
    let context = serde_json::from_str(context).map_err(|error| invalid("context", &error))?;
    let output = adapter(config, context).map_err(|error| match error.into() {
        AdapterError::Invalid(text) => exported::Error::Invalid(text),
        AdapterError::Denied(text) => exported::Error::Denied(text),
        AdapterError::NotFound(text) => exported::Error::NotFound(text),
        AdapterError::Unavailable(text) => exported::Error::Unavailable(text),
        AdapterError::Timeout(text) => exported::Error::Timeout(text),
        AdapterError::Failed(text) => exported::Error::Failed(text),
    })?;
    serde_json::to_string(&output)
        .map_err(|error| exported::Error::Failed(format!("the result is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn shout(config: Value, context: Value) -> Result<Value, ToolError> {
        match config["key"].as_str() {
            Some(key) => Ok(json!(
                context[key].as_str().unwrap_or_default().to_uppercase()
            )),
            None => Err(ToolError::Denied("no key".into())),
        }
    }

    #[test]
    fn an_adapter_takes_json_and_gives_json() {
        assert_eq!(
            run(shout, r#"{"key":"topic"}"#, r#"{"topic":"tea"}"#).unwrap(),
            r#""TEA""#
        );
        assert!(matches!(
            run(shout, "{}", "{}"),
            Err(exported::Error::Denied(_))
        ));
    }

    #[test]
    fn a_wrong_configuration_is_named_without_a_position_in_a_text_that_nobody_sees() {
        #[derive(serde::Deserialize)]
        struct Config {
            #[expect(dead_code, reason = "only its absence matters")]
            top: u32,
        }
        let error = run(|_: Config, _: Value| Ok::<_, AdapterError>(1), "{}", "{}").unwrap_err();
        let exported::Error::Invalid(text) = error else {
            panic!("{error:?}")
        };
        assert_eq!(text, "args: missing field `top`");
    }
}
