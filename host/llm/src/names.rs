//! Tool names and call ids as the wires allow them.
//!
//! The providers take letters, digits, `_` and `-`; our names also have dots, and names from other tool servers have
//! anything. Names are mapped there and back within one request; two names that would become one get a number.

use crate::{ToolCall, ToolSpec};

/// What every provider takes.
const MAX_WIRE_NAME: usize = 64;

/// The names of one request's tools, both ways.
#[derive(Debug, Default)]
pub(crate) struct WireNames(Vec<(String, String)>);

impl WireNames {
    pub(crate) fn new(tools: &[ToolSpec]) -> Self {
        let mut names: Vec<(String, String)> = Vec::with_capacity(tools.len());
        for tool in tools {
            let plain = plain(&tool.name);
            let mut wire = plain.clone();
            let mut number = 2;
            while names.iter().any(|(_, taken)| *taken == wire) {
                wire = plain
                    .chars()
                    .take(MAX_WIRE_NAME - 4)
                    .chain(format!("_{number}").chars())
                    .collect();
                number += 1;
            }
            names.push((tool.name.clone(), wire));
        }
        Self(names)
    }

    /// The name to send. A name from earlier in the conversation that is no tool now is only made plain.
    pub(crate) fn wire(&self, name: &str) -> String {
        let known = self.0.iter().find(|(own, _)| own == name);
        known.map_or_else(|| plain(name), |(_, wire)| wire.clone())
    }

    /// The name that was meant. One that was never sent stays as it is: the engine says that there is no such tool.
    pub(crate) fn own(&self, wire: &str) -> String {
        let known = self.0.iter().find(|(_, sent)| sent == wire);
        known.map_or_else(|| wire.to_owned(), |(own, _)| own.clone())
    }
}

fn plain(name: &str) -> String {
    plain_id(
        name.get(..name.floor_char_boundary(MAX_WIRE_NAME))
            .unwrap_or(name),
    )
}

/// Letters, digits, `_` and `-` stay; everything else becomes `_`.
pub(crate) fn plain_id(text: &str) -> String {
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
            c
        } else {
            '_'
        }
    };
    let plain: String = text.chars().map(allowed).collect();
    if plain.is_empty() {
        "_".to_owned()
    } else {
        plain
    }
}

/// Gives an id to every call that came without one, or with one that another has: answers are matched by it, also those
/// of earlier turns.
pub(crate) fn fill_ids(turn: u32, calls: &mut [ToolCall]) {
    let mut seen: Vec<String> = Vec::with_capacity(calls.len());
    for (index, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() || seen.contains(&call.id) {
            call.id = format!("call_{turn}_{}", index + 1);
        }
        seen.push(call.id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_wire_even_when_they_look_alike_there() {
        let own = ["a.b", "a_b", "a b", "plain-name"];
        let tools: Vec<_> = own
            .iter()
            .map(|name| ToolSpec {
                name: (*name).into(),
                description: String::new(),
                input_schema: serde_json::json!({}),
            })
            .collect();
        let names = WireNames::new(&tools);
        let wire: Vec<_> = own.iter().map(|name| names.wire(name)).collect();
        assert_eq!(wire, ["a_b", "a_b_2", "a_b_3", "plain-name"]);
        for (own, wire) in own.iter().zip(&wire) {
            assert_eq!(names.own(wire), *own);
        }
        assert_eq!(names.own("invented"), "invented");
        assert_eq!(names.wire("gone.now"), "gone_now");
    }
}
