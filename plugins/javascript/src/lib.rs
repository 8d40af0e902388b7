//! Adapters of `type: javascript`: a function or a module of JavaScript, inside this component.
//!
//! The interpreter is the crate `boa_engine`. A script is data of the call: the component is compiled once, and every
//! call is a fresh instance that reads its script, runs it, and is gone. What a script can reach is what the module
//! `armature` offers ([`host`]), and of that what the call was granted; there is no `process`, no `require`, no network
//! and no timer.
//!
//! A function's failure is a failure of the call. A module's (`cmd`) is a result with an exit code, as a shell's is.

mod console;
mod host;
mod session;

use armature_plugin::prelude::*;
use session::{Script, Session};

/// What an adapter is given.
#[derive(armature_plugin::Deserialize)]
#[serde(crate = "armature_plugin::serde")]
struct Config {
    /// The script.
    code: String,
    /// Its name in messages.
    file: String,
    /// The function to call. Without it the module is run, and nothing else.
    #[serde(default)]
    function: Option<String>,
    /// What the function is given besides the context.
    #[serde(default)]
    args: Map<String, Value>,
}

/// One step of a workflow that is written in JavaScript.
fn javascript(config: Config, context: Value) -> Result<Value, ToolError> {
    let script = Script {
        code: &config.code,
        file: &config.file,
    };
    let mut session = Session::start(&context, &Value::Object(config.args.clone()))?;
    match &config.function {
        Some(name) => session.call(&script, name),
        None => session.run(&script),
    }
}

export_adapter!(javascript);
