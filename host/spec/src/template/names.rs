//! The names that a template uses, and the context that is built of them.
//!
//! Only what a template names is taken from the context and converted, so rendering costs what the template uses and
//! not what the run has gathered.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use minijinja::{
    Error, ErrorKind, State, Value as JinjaValue,
    value::{Enumerator, Object, from_args},
};
use serde_json::Value;

use super::{
    engine,
    scan::{Kind, tags},
};

/// What `{{ env.NAME }}` gives.
#[derive(Clone, Copy)]
pub enum EnvStyle<'a> {
    /// Itself: in prompts, conditions, files. No secret is ever put into a text.
    Literal,
    /// Whatever the caller puts in its place: in tool arguments, a placeholder that the host replaces at its edge.
    Placeholder(&'a dyn Fn(&str) -> String),
}

impl EnvStyle<'_> {
    fn of(self, name: &str) -> String {
        match self {
            Self::Literal => format!("{{{{ env.{name} }}}}"),
            Self::Placeholder(make) => make(name),
        }
    }
}

impl fmt::Debug for EnvStyle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Literal => "Literal",
            Self::Placeholder(_) => "Placeholder",
        })
    }
}

/// The name under which environment variables are asked for.
const ENV: &str = "env";

/// The names in a template.
pub(super) struct Names {
    /// Every word that can be a name; more than are variables, which does no harm.
    roots: Vec<String>,
    /// The environment variables that are named.
    env: Vec<String>,
}

impl Names {
    pub(super) fn of(text: &str) -> Self {
        let mut roots = Vec::new();
        let mut env = Vec::new();
        for tag in tags(text).unwrap_or_default() {
            let mut before = "";
            for (at, word) in tag.words.iter().enumerate() {
                if word.kind == Kind::Name && before != "." {
                    roots.push(word.text.to_owned());
                    if word.text == ENV {
                        let behind = |n: usize| tag.words.get(at + n).map_or("", |word| word.text);
                        match behind(1) {
                            "." => env.push(behind(2).to_owned()),
                            "[" => env.push(behind(2).trim_matches(['"', '\'']).to_owned()),
                            _ => {}
                        }
                    }
                }
                before = word.text;
            }
        }
        roots.sort_unstable();
        roots.dedup();
        env.sort_unstable();
        env.dedup();
        Self { roots, env }
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(String::as_str)
    }

    pub(super) fn context(&self, ctx: &Value, env: EnvStyle<'_>) -> JinjaValue {
        let mut map: BTreeMap<&str, JinjaValue> = BTreeMap::new();
        for name in self.roots() {
            if let Some(value) = ctx.get(name) {
                map.insert(name, engine::from_json(value));
            } else if name == ENV {
                let known = self
                    .env
                    .iter()
                    .map(|name| (name.clone(), env.of(name)))
                    .collect();
                map.insert(name, JinjaValue::from_object(EnvNames(known)));
            }
        }
        JinjaValue::from_pairs(map)
    }
}

/// The names for whose absence a template provides: those that it asks about (`if`, `or`, `is`), and those that it has
/// something else for (`default`).
pub(super) fn may_be_missing(text: &str) -> HashSet<&str> {
    let mut names = HashSet::new();
    for tag in tags(text).unwrap_or_default() {
        let provides = tag.words.iter().any(|word| {
            word.kind == Kind::Name
                && matches!(
                    word.text,
                    "if" | "elif" | "or" | "and" | "not" | "is" | "default" | "d" | "get" | "first"
                )
        });
        if provides {
            let all = tag.words.iter().filter(|word| word.kind == Kind::Name);
            names.extend(all.map(|word| word.text));
        }
    }
    names
}

/// Stands for the environment in a template. It holds what was put in the place of each named variable, and never a
/// value of one.
#[derive(Debug)]
struct EnvNames(BTreeMap<String, String>);

impl EnvNames {
    fn of(&self, name: &str) -> JinjaValue {
        match self.0.get(name) {
            Some(text) => JinjaValue::from(text.as_str()),
            // A computed name: the host cannot have foreseen it.
            None => JinjaValue::from(EnvStyle::Literal.of(name)),
        }
    }
}

impl Object for EnvNames {
    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        key.as_str().map(|name| self.of(name))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[JinjaValue],
    ) -> Result<JinjaValue, Error> {
        if method != "get" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let (name, _default): (&str, Option<JinjaValue>) = from_args(args)?;
        Ok(self.of(name))
    }
}
