//! Templates: Jinja over data, in a box.
//!
//! A template is compiled once, from the spec's own text. What it is rendered with is data: a value that contains
//! `{{` is printed, never run. There is nothing to reach from inside: no files, no includes, no attributes of the
//! host's objects; work and recursion are bounded ([`engine`]).
//!
//! What differs from Python's Jinja, on purpose: a missing name is nothing at any depth and makes a comparison false;
//! `None` prints as nothing; lists and objects print as JSON, which is what a model or a tool expects (`True` and
//! `False` print as ever); a template that is a single `{{ … }}` keeps the type of its value, and no other text is ever
//! read as a number or a list.

mod compare;
mod engine;
mod filters;
mod names;
mod scan;
mod shell;
mod tree;

use std::sync::Arc;

use minijinja::Environment;
use serde_json::Value;

pub(crate) use engine::has_template;
pub use names::EnvStyle;
use names::Names;
use scan::Unclear;
pub(crate) use shell::unquoted;
pub use tree::ValueTemplate;

/// Why a template cannot be compiled or rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// Line within the template, from 1, where it is known.
    pub line: Option<usize>,
}

/// A compiled template.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

enum Compiled {
    /// Text without a template in it.
    Plain(String),
    Text(Box<Program>),
}

struct Program {
    source: String,
    /// An environment of its own, with this one template in it.
    environment: Environment<'static>,
    names: Names,
    /// Whether the text is a single `{{ … }}`.
    whole: bool,
}

/// Name of the one template of an environment.
const NAME: &str = "template";
/// Under this name the value of a whole-expression template is kept while it is rendered.
const KEPT: &str = "armature:value";

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// A mistake in its syntax, or an unknown filter or test.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        if !engine::has_template(text) {
            return Ok(Self(Arc::new(Compiled::Plain(text.to_owned()))));
        }
        let refused = match scan::tags(text) {
            Err(Unclear::TooMuch) => Some(scan::TOO_MUCH),
            Err(Unclear::Malformed) if text.len() > scan::MAX_UNCLEAR => {
                Some("syntax error: a tag, a bracket or a quote is not closed")
            }
            _ => None,
        };
        if let Some(message) = refused {
            return Err(TemplateError {
                message: message.to_owned(),
                line: None,
            });
        }
        let mut environment = engine::environment();
        let rewritten = compare::rewrite(text);
        environment
            .add_template_owned(NAME, rewritten)
            .map_err(|why| engine::explain(&why))?;
        if let Some(message) = engine::unknown_words(text) {
            return Err(TemplateError {
                message,
                line: None,
            });
        }
        let whole = engine::whole_expression(text).is_some_and(|expression| {
            environment
                .compile_expression_owned(expression.to_owned())
                .is_ok()
        });
        let program = Program {
            source: text.to_owned(),
            environment,
            names: Names::of(text),
            whole,
        };
        Ok(Self(Arc::new(Compiled::Text(Box::new(program)))))
    }

    /// The text that was compiled.
    pub fn source(&self) -> &str {
        match &*self.0 {
            Compiled::Plain(text) => text,
            Compiled::Text(program) => &program.source,
        }
    }

    /// The names that the template asks its context for: nothing else of a context is ever looked at.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = match &*self.0 {
            Compiled::Plain(_) => None,
            Compiled::Text(program) => Some(&program.names),
        };
        names.into_iter().flat_map(Names::roots)
    }

    /// The names that must be there for the template to say anything sensible: those that it does not make itself, and
    /// whose absence it does not provide for.
    pub fn needs(&self) -> Vec<String> {
        let Compiled::Text(program) = &*self.0 else {
            return Vec::new();
        };
        let Ok(template) = program.environment.get_template(NAME) else {
            return Vec::new();
        };
        let may_be_missing = names::may_be_missing(&program.source);
        let mut needs: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !may_be_missing.contains(name.as_str()))
            .collect();
        needs.sort_unstable();
        needs
    }

    /// Is it text without a template in it?
    pub fn is_plain(&self) -> bool {
        matches!(&*self.0, Compiled::Plain(_))
    }

    /// Renders as text. `ctx` is an object.
    ///
    /// # Errors
    /// When the template does something that has no meaning (adds a text to a number), or too much.
    pub fn text(&self, ctx: &Value, env: EnvStyle<'_>) -> Result<String, TemplateError> {
        self.render(ctx, env).map(|(text, _)| text)
    }

    /// Renders; a template that is a single `{{ … }}` gives the value itself, every other a text.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn value(&self, ctx: &Value, env: EnvStyle<'_>) -> Result<Value, TemplateError> {
        let (text, value) = self.render(ctx, env)?;
        match value {
            // Spaces around a text belong to the author's text.
            Some(value) if !value.is_string() => Ok(value),
            _ => Ok(Value::String(text)),
        }
    }

    /// Does it render as `true`, `1` or `yes`, in any case and with any space around? An error is false.
    pub fn truthy(&self, ctx: &Value) -> bool {
        self.try_truthy(ctx).unwrap_or(false)
    }

    /// As [`Self::truthy`], for callers that report errors.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn try_truthy(&self, ctx: &Value) -> Result<bool, TemplateError> {
        let text = self.text(ctx, EnvStyle::Literal)?;
        Ok(matches!(
            text.trim().to_lowercase().as_str(),
            "true" | "1" | "yes"
        ))
    }

    fn render(
        &self,
        ctx: &Value,
        env: EnvStyle<'_>,
    ) -> Result<(String, Option<Value>), TemplateError> {
        let program = match &*self.0 {
            Compiled::Plain(text) => return Ok((text.clone(), None)),
            Compiled::Text(program) => program,
        };
        let template = program
            .environment
            .get_template(NAME)
            .map_err(|why| engine::explain(&why))?;
        let context = program.names.context(ctx, env);
        let captured = template
            .render_captured(context)
            .map_err(|why| engine::explain(&why))?;
        let value = if program.whole {
            captured
                .state()
                .get_temp(KEPT)
                .map(|value| engine::to_json(&value))
                .transpose()?
        } else {
            None
        };
        Ok((captured.into_output(), value))
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Template").field(&self.source()).finish()
    }
}
