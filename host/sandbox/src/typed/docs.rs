//! Documentation comments that a component carries in its `package-docs` section, found by interface and function.
//!
//! The section is a version and JSON: the comments of one WIT package, by world and interface. It is written by tools
//! that build components, and read here as it stands; one that cannot be read is no documentation and no error.

use serde_json::Value;
use wasmparser::{Parser, Payload};

/// The custom section.
const SECTION: &str = "package-docs";

/// Longest section that is read, in bytes.
const MAX_SECTION: usize = 1024 * 1024;

/// Documentation of exported functions.
#[derive(Debug, Default)]
pub(crate) struct Docs(Value);

impl Docs {
    /// Reads what a component says about itself; a component that says nothing has no documentation.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut depth = 0u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload {
                Ok(Payload::Version { .. }) => depth += 1,
                Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
                Ok(Payload::CustomSection(section))
                    if depth == 1
                        && section.name() == SECTION
                        && section.data().len() <= MAX_SECTION =>
                {
                    let json = section
                        .data()
                        .split_first()
                        .map_or(&[][..], |(_, json)| json);
                    return Self(serde_json::from_slice(json).unwrap_or_default());
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Self::default()
    }

    /// What is said about one function, of an interface or of the world itself.
    pub(crate) fn of(&self, interface: Option<&str>, name: &str) -> Option<&str> {
        let functions = if let Some(interface) = interface {
            // `package:name/interface@version`: comments are kept under the interface's own name.
            let plain = interface.split('@').next().unwrap_or_default();
            let plain = plain.rsplit('/').next().unwrap_or_default();
            self.0.get("interfaces")?.get(plain)?.get("funcs")?
        } else {
            let worlds = self.0.get("worlds")?.as_object()?;
            let exports = |world: &'_ Value| {
                ["func_exports", "funcs"]
                    .iter()
                    .any(|key| world.get(key).and_then(|all| all.get(name)).is_some())
            };
            let world = worlds.values().find(|world| exports(world))?;
            world
                .get("func_exports")
                .filter(|all| all.get(name).is_some())
                .or_else(|| world.get("funcs"))?
        };
        let said = functions.get(name)?;
        // Once a text, today an object with one in it.
        said.as_str()
            .or_else(|| said.get("docs")?.as_str())
            .map(str::trim)
    }
}
