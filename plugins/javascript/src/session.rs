//! One call: a fresh interpreter, the script as a module, its result as JSON.
//!
//! A script is always a module, so `import`, `export` and `await` at its top level work. A function need not be exported
//! to be called: an export of it under a name of ours is added behind the script's last line, where it moves no line
//! number.

use std::rc::Rc;

use armature_plugin::prelude::*;
use boa_engine::{
    Context, JsError, JsResult, JsValue, Module, Source, builtins::promise::PromiseState,
    js_string, module::MapModuleLoader, object::JsObject, object::builtins::JsPromise,
};

use crate::{
    console::{self, Printed},
    host,
};

/// The name under which a function that is not exported is found.
const ENTRY: &str = "__armature_entry__";
/// Calls within calls, before it is an error: far more than scripts need, and well within the stack.
const MAX_CALLS: usize = 400;
/// Names that other hosts have, and what to do here.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "require",
        "a script is one ES module; files are in `import … from \"armature\"`",
    ),
    (
        "process",
        "there is no process here; settings come as `args`",
    ),
    ("fetch", "`http_get` in a `tool_call` stage asks for pages"),
    (
        "setTimeout",
        "there is no timer; what waits for a result can simply wait for it",
    ),
    ("setInterval", "there is no timer"),
    ("Buffer", "`Uint8Array` holds bytes"),
    (
        "module",
        "`export function NAME` instead of `module.exports`",
    ),
    (
        "exports",
        "`export function NAME` instead of `exports.NAME`",
    ),
];

/// A script and its name.
pub(crate) struct Script<'a> {
    pub(crate) code: &'a str,
    pub(crate) file: &'a str,
}

/// An interpreter.
pub(crate) struct Session {
    js: Context,
    context: JsValue,
    args: JsValue,
}

impl Session {
    /// Makes an interpreter, with what the script is given.
    pub(crate) fn start(context: &Value, args: &Value) -> Result<Self, ToolError> {
        let loader = Rc::new(MapModuleLoader::new());
        let start = || -> JsResult<(Context, JsValue, JsValue)> {
            let mut js = Context::builder()
                .module_loader(Rc::clone(&loader))
                .build()?;
            js.runtime_limits_mut().set_recursion_limit(MAX_CALLS);
            console::install(&mut js)?;
            loader.insert("armature", host::module(&mut js)?);
            let context = JsValue::from_json(context, &mut js)?;
            let args = JsValue::from_json(args, &mut js)?;
            for (name, value) in [("context", &context), ("args", &args)] {
                let attributes = boa_engine::property::Attribute::all();
                js.register_global_property(js_string!(name), value.clone(), attributes)?;
            }
            Ok((js, context, args))
        };
        let (js, context, args) = start().map_err(|error| {
            ToolError::failed(format!("the interpreter does not start: {error}"))
        })?;
        Ok(Self { js, context, args })
    }

    /// Runs the module and calls a function of it.
    pub(crate) fn call(&mut self, script: &Script<'_>, name: &str) -> Result<Value, ToolError> {
        if !is_name(name) {
            return Err(ToolError::invalid(format!(
                "`{name}` is no name of a function"
            )));
        }
        let (code, export) = match name {
            "default" => (script.code.to_owned(), "default"),
            _ => (
                format!("{}\n;export {{ {name} as {ENTRY} }};", script.code),
                ENTRY,
            ),
        };
        let module = self.parse(&code, script).map_err(|error| {
            // Is it the line that was added? Then the script alone is fine.
            match self.parse(script.code, script) {
                Ok(_) => missing(script, name),
                Err(_) => self.failure(error, script),
            }
        })?;
        let namespace = self
            .evaluate(&module)
            .map_err(|error| self.failure(error, script))?;
        let function = namespace
            .get(js_string!(export), &mut self.js)
            .map_err(|error| self.failure(error, script))?;
        let Some(function) = function.as_callable() else {
            return Err(missing(script, name));
        };
        let arguments = [self.context.clone(), self.args.clone()];
        let answer = function
            .call(&JsValue::undefined(), &arguments, &mut self.js)
            .and_then(|value| self.settled(value))
            .map_err(|error| self.failure(error, script))?;
        let value = self.json(&answer, script)?;
        let (stdout, stderr) = self.printed();
        let mut result = match value {
            Value::Object(map) => map,
            value => Map::from_iter([("result".to_owned(), value)]),
        };
        for (key, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                result.entry(key).or_insert(Value::String(text));
            }
        }
        Ok(Value::Object(result))
    }

    /// Runs the module: what it printed, how it ended, and what it exports as `default`.
    pub(crate) fn run(&mut self, script: &Script<'_>) -> Result<Value, ToolError> {
        let ended = self
            .parse(script.code, script)
            .and_then(|module| self.evaluate(&module))
            .and_then(|namespace| namespace.get(js_string!("default"), &mut self.js))
            .and_then(|value| self.settled(value));
        let mut result = Map::new();
        let code = match ended {
            Ok(value) if value.is_undefined() => 0,
            Ok(value) => {
                result.insert("result".to_owned(), self.json(&value, script)?);
                0
            }
            Err(error) => {
                let text = self.told(error, script);
                if let Some(printed) = self.js.get_data::<Printed>() {
                    printed.complain(&text);
                }
                1
            }
        };
        let (stdout, stderr) = self.printed();
        result.insert("stdout".to_owned(), Value::String(stdout));
        result.insert("stderr".to_owned(), Value::String(stderr));
        result.insert("exit_code".to_owned(), Value::from(code));
        Ok(Value::Object(result))
    }

    fn parse(&mut self, code: &str, script: &Script<'_>) -> JsResult<Module> {
        let path = std::path::Path::new(script.file);
        Module::parse(Source::from_bytes(code).with_path(path), None, &mut self.js)
    }

    /// Runs a module to its end and gives what it exports.
    fn evaluate(&mut self, module: &Module) -> JsResult<JsObject> {
        let promise = module.load_link_evaluate(&mut self.js);
        self.wait(&promise)?;
        Ok(module.namespace(&mut self.js))
    }

    /// The value itself, or what it is a promise of.
    fn settled(&mut self, value: JsValue) -> JsResult<JsValue> {
        let object = value.as_object();
        match object.and_then(|object| JsPromise::from_object(object.clone()).ok()) {
            Some(promise) => self.wait(&promise),
            None => Ok(value),
        }
    }

    fn wait(&mut self, promise: &JsPromise) -> JsResult<JsValue> {
        self.js.run_jobs()?;
        match promise.state() {
            PromiseState::Fulfilled(value) => Ok(value),
            PromiseState::Rejected(reason) => Err(JsError::from_opaque(reason)),
            PromiseState::Pending => Err(boa_engine::JsNativeError::error()
                .with_message("it waits for a promise that nothing will ever keep")
                .into()),
        }
    }

    fn json(&mut self, value: &JsValue, script: &Script<'_>) -> Result<Value, ToolError> {
        let text = json_text(value, &mut self.js).map_err(|error| self.failure(error, script))?;
        let text = text.as_deref().unwrap_or("null");
        armature_plugin::serde_json::from_str(text).map_err(|error| {
            ToolError::failed(format!("the result of {} is no JSON: {error}", script.file))
        })
    }

    fn printed(&self) -> (String, String) {
        self.js
            .get_data::<Printed>()
            .map(Printed::texts)
            .unwrap_or_default()
    }

    fn failure(&mut self, error: JsError, script: &Script<'_>) -> ToolError {
        ToolError::failed(self.told(error, script))
    }

    /// An error with its place, and with a way out where the script was written for another host.
    fn told(&mut self, error: JsError, script: &Script<'_>) -> String {
        let mut text = error.to_string();
        if !text.contains(script.file) {
            text = format!("{}: {text}", script.file);
        }
        let unknown = |name: &str| text.contains(&format!("{name} is not defined"));
        if let Some((_, hint)) = ELSEWHERE.iter().find(|(name, _)| unknown(name)) {
            text.push_str("\n    hint: ");
            text.push_str(hint);
        }
        text
    }
}

/// A value as `JSON.stringify` writes it; none for what it leaves out (`undefined`, functions).
pub(crate) fn json_text(value: &JsValue, js: &mut Context) -> JsResult<Option<String>> {
    let json = js.global_object().get(js_string!("JSON"), js)?;
    let stringify = json.to_object(js)?.get(js_string!("stringify"), js)?;
    let Some(stringify) = stringify.as_callable() else {
        return Ok(None);
    };
    let text = stringify.call(&json, &[value.clone()], js)?;
    Ok(text.as_string().map(|text| text.to_std_string_lossy()))
}

fn missing(script: &Script<'_>, name: &str) -> ToolError {
    ToolError::invalid(format!("there is no function `{name}` in {}", script.file))
}

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    text.chars().next().is_some_and(letter) && text.chars().all(|c| letter(c) || c.is_numeric())
}
