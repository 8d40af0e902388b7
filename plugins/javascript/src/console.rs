//! `console`: what a script prints, kept as two texts.
//!
//! Each has a bound; what goes beyond it is left out, and the text says so.

use std::cell::RefCell;

use boa_engine::{
    Context, JsNativeError, JsResult, JsValue, NativeFunction, js_string,
    object::ObjectInitializer, property::Attribute,
};

/// Longest standard output that is kept, in bytes.
const MAX_STDOUT: usize = 4 << 20;
/// Longest standard error that is kept, in bytes.
const MAX_STDERR: usize = 256 << 10;
/// What stands where something was left out.
const CUT: &str = "\n[the rest was not kept]\n";

/// What was printed.
#[derive(Default)]
pub(crate) struct Printed {
    stdout: RefCell<String>,
    stderr: RefCell<String>,
}

impl Printed {
    fn add(text: &RefCell<String>, line: &str, most: usize) {
        let mut text = text.borrow_mut();
        if text.len() >= most {
            return;
        }
        text.push_str(line);
        text.push('\n');
        if text.len() > most {
            let end = text.floor_char_boundary(most);
            text.truncate(end);
            text.push_str(CUT);
        }
    }

    /// A line of standard error that the script did not print itself.
    pub(crate) fn complain(&self, line: &str) {
        Self::add(&self.stderr, line, MAX_STDERR);
    }

    /// Standard output and standard error so far.
    pub(crate) fn texts(&self) -> (String, String) {
        (self.stdout.borrow().clone(), self.stderr.borrow().clone())
    }
}

/// Makes the global `console`. What it prints is kept in the [`Printed`] of the context.
pub(crate) fn install(context: &mut Context) -> JsResult<()> {
    context.insert_data(Printed::default());
    let mut console = ObjectInitializer::new(context);
    for name in ["log", "info", "debug"] {
        console.function(NativeFunction::from_fn_ptr(out), js_string!(name), 0);
    }
    for name in ["warn", "error", "trace"] {
        console.function(NativeFunction::from_fn_ptr(err), js_string!(name), 0);
    }
    let console = console.build();
    context.register_global_property(js_string!("console"), console, Attribute::all())
}

fn out(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    print(args, context, |printed, line| {
        Printed::add(&printed.stdout, line, MAX_STDOUT)
    })
}

fn err(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    print(args, context, Printed::complain)
}

fn print(
    args: &[JsValue],
    context: &mut Context,
    keep: impl Fn(&Printed, &str),
) -> JsResult<JsValue> {
    let mut words = Vec::with_capacity(args.len());
    for value in args {
        words.push(shown(value, context)?);
    }
    let printed = context
        .get_data::<Printed>()
        .ok_or_else(|| JsNativeError::error().with_message("there is no console"))?;
    keep(printed, &words.join(" "));
    Ok(JsValue::undefined())
}

/// A value as a person reads it: texts as they are, data as JSON, errors with their message.
fn shown(value: &JsValue, context: &mut Context) -> JsResult<String> {
    if let Some(text) = value.as_string() {
        return Ok(text.to_std_string_lossy());
    }
    let is_data = value.as_object().is_some_and(|object| {
        !object.is_callable() && !object.is::<boa_engine::builtins::error::Error>()
    });
    if is_data && let Ok(json) = super::session::json_text(value, context) {
        return Ok(json.unwrap_or_else(|| "undefined".to_owned()));
    }
    Ok(value.display().to_string())
}
