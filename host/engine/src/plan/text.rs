//! Templates with the names that they can mention.
//!
//! A template is compiled once, from the spec's own text. With it stand the names in it, so that rendering asks the
//! context for those and copies nothing else.

use armature_spec::{EnvStyle, Template, TemplateError, ValueTemplate};
use serde_json::{Map, Value};

use crate::{
    context::{Context, Names},
    failure::Failure,
};

/// A text of the spec.
#[derive(Debug)]
pub(crate) struct Text {
    field: &'static str,
    template: Template,
    names: Names,
}

impl Text {
    /// Compiles a text; `field` is what it is called in errors.
    pub(crate) fn compile(field: &'static str, text: &str) -> Result<Self, TemplateError> {
        let template = Template::compile(text)?;
        let names = template.names().collect();
        Ok(Self {
            field,
            template,
            names,
        })
    }

    /// The names that it can mention.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The names that must be there for it to say anything sensible.
    pub(crate) fn needs(&self) -> Vec<String> {
        self.template.needs()
    }

    /// As text; secrets stay as they are written.
    pub(crate) fn text(&self, context: &Context) -> Result<String, Failure> {
        self.template
            .text(&context.view(&self.names), EnvStyle::Literal)
            .map_err(|why| self.failure(&why))
    }

    /// As a value: a text that is a single expression keeps its type.
    pub(crate) fn value(&self, context: &Context) -> Result<Value, Failure> {
        self.template
            .value(&context.view(&self.names), EnvStyle::Literal)
            .map_err(|why| self.failure(&why))
    }

    /// As a yes or no.
    pub(crate) fn is_true(&self, context: &Context) -> Result<bool, Failure> {
        self.template
            .try_truthy(&context.view(&self.names))
            .map_err(|why| self.failure(&why))
    }

    fn failure(&self, why: &TemplateError) -> Failure {
        Failure::Template {
            field: self.field,
            message: why.to_string(),
        }
    }
}

/// Arguments of the spec: a tree with templates at any depth.
#[derive(Debug)]
pub(crate) struct Tree {
    field: &'static str,
    template: ValueTemplate,
    names: Names,
}

impl Tree {
    /// Compiles a tree; `field` is what it is called in errors.
    pub(crate) fn compile(
        field: &'static str,
        tree: &Map<String, Value>,
    ) -> Result<Self, TemplateError> {
        let template = ValueTemplate::compile(&Value::Object(tree.clone()))?;
        let names = template.names().into_iter().collect();
        Ok(Self {
            field,
            template,
            names,
        })
    }

    /// The names that it can mention.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The tree, rendered. `token` gives the placeholder for a secret.
    pub(crate) fn render(
        &self,
        context: &Context,
        token: &dyn Fn(&str) -> String,
    ) -> Result<Value, Failure> {
        self.template
            .render(&context.view(&self.names), EnvStyle::Placeholder(token))
            .map_err(|why| Failure::Template {
                field: self.field,
                message: why.to_string(),
            })
    }
}
