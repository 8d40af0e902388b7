//! Documentation comments that a component carries in its `package-docs` section, found by interface and function.

use std::collections::HashMap;

use wit_parser::decoding::{DecodedWasm, decode};

/// Documentation of exported functions.
#[derive(Debug, Default)]
pub(crate) struct Docs(HashMap<(Option<String>, String), String>);

impl Docs {
    /// Reads what a component says about itself; a component that says nothing has no documentation.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut docs = Self::default();
        let Ok(DecodedWasm::Component(resolve, world)) = decode(bytes) else {
            return docs;
        };
        let Some(world) = resolve.worlds.get(world) else {
            return docs;
        };
        for (key, item) in &world.exports {
            match item {
                wit_parser::WorldItem::Function(function) => docs.add(None, function),
                wit_parser::WorldItem::Interface { id, .. } => {
                    let name = resolve.name_world_key(key);
                    if let Some(interface) = resolve.interfaces.get(*id) {
                        for function in interface.functions.values() {
                            docs.add(Some(&name), function);
                        }
                    }
                }
                wit_parser::WorldItem::Type { .. } => {}
            }
        }
        docs
    }

    fn add(&mut self, interface: Option<&str>, function: &wit_parser::Function) {
        if let Some(text) = &function.docs.contents {
            self.0.insert(
                (interface.map(str::to_owned), function.name.clone()),
                text.trim().to_owned(),
            );
        }
    }

    /// What is said about one function.
    pub(crate) fn of(&self, interface: Option<&str>, name: &str) -> Option<&str> {
        self.0
            .get(&(interface.map(str::to_owned), name.to_owned()))
            .map(String::as_str)
    }
}
