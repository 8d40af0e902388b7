//! A JSON tree with templates at any depth: the arguments of tools and adapters.

use serde_json::{Map, Value};

use super::{EnvStyle, Template, TemplateError};

/// A compiled tree. Texts in it are templates, wherever they are; keys are not.
#[derive(Debug, Clone)]
pub struct ValueTemplate(Tree);

#[derive(Debug, Clone)]
enum Tree {
    Literal(Value),
    Template(Template),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl ValueTemplate {
    /// Compiles every text of a tree.
    ///
    /// # Errors
    /// The first template with a mistake, with the way to it.
    pub fn compile(value: &Value) -> Result<Self, TemplateError> {
        compile(value).map(Self)
    }

    /// Renders every text; one that is a single `{{ … }}` becomes the value itself.
    ///
    /// # Errors
    /// The first template that fails, with the way to it.
    pub fn render(&self, ctx: &Value, env: EnvStyle<'_>) -> Result<Value, TemplateError> {
        render(&self.0, ctx, env)
    }

    /// The tree that was compiled.
    pub fn source(&self) -> Value {
        source(&self.0)
    }

    /// The names that the tree asks its context for.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        collect(&self.0, &mut names);
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn compile(value: &Value) -> Result<Tree, TemplateError> {
    Ok(match value {
        Value::String(text) => {
            let template = Template::compile(text)?;
            if template.is_plain() {
                Tree::Literal(value.clone())
            } else {
                Tree::Template(template)
            }
        }
        Value::Array(values) => Tree::List(
            values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    compile(value).map_err(|why| within(why, &format!("[{index}]")))
                })
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Tree::Map(
            map.iter()
                .map(|(key, value)| {
                    let tree = compile(value).map_err(|why| within(why, key))?;
                    Ok((key.clone(), tree))
                })
                .collect::<Result<_, _>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => Tree::Literal(value.clone()),
    })
}

fn render(tree: &Tree, ctx: &Value, env: EnvStyle<'_>) -> Result<Value, TemplateError> {
    Ok(match tree {
        Tree::Literal(value) => value.clone(),
        Tree::Template(template) => template.value(ctx, env)?,
        Tree::List(trees) => Value::Array(
            trees
                .iter()
                .enumerate()
                .map(|(index, tree)| {
                    render(tree, ctx, env).map_err(|why| within(why, &format!("[{index}]")))
                })
                .collect::<Result<_, _>>()?,
        ),
        Tree::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, tree) in entries {
                map.insert(
                    key.clone(),
                    render(tree, ctx, env).map_err(|why| within(why, key))?,
                );
            }
            Value::Object(map)
        }
    })
}

/// Says on the way out where the error was: `headers.Authorization: …`.
fn within(why: TemplateError, step: &str) -> TemplateError {
    let joined = if why.message.starts_with("at `") {
        let rest = why.message.get(4..).unwrap_or_default();
        let separator = if rest.starts_with('[') { "" } else { "." };
        format!("at `{step}{separator}{rest}")
    } else {
        format!("at `{step}`: {}", why.message)
    };
    TemplateError {
        message: joined,
        line: why.line,
    }
}

fn source(tree: &Tree) -> Value {
    match tree {
        Tree::Literal(value) => value.clone(),
        Tree::Template(template) => Value::String(template.source().to_owned()),
        Tree::List(trees) => Value::Array(trees.iter().map(source).collect()),
        Tree::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, tree)| (key.clone(), source(tree)))
                .collect(),
        ),
    }
}

fn collect<'a>(tree: &'a Tree, names: &mut Vec<&'a str>) {
    match tree {
        Tree::Literal(_) => {}
        Tree::Template(template) => names.extend(template.names()),
        Tree::List(trees) => trees.iter().for_each(|tree| collect(tree, names)),
        Tree::Map(entries) => entries.iter().for_each(|(_, tree)| collect(tree, names)),
    }
}
