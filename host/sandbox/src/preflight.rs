//! What can be known of a component before it is compiled: its size, its shape, what it imports and exports.
//!
//! Compiling a stranger's bytes costs processor and memory, so the bytes are counted first: size, functions, nesting.
//! Imports and exports are read here too, so that a plugin for another version of the contract is told so by name
//! instead of failing somewhere inside the linker.

use armature_grants::Limits;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::{
    error::LoadError,
    manifest::{MAX_MANIFEST, SECTION},
};

/// The version of `armature:plugin` that this host speaks.
pub const CONTRACT: &str = "0.1.0";

const TOOLS: &str = "armature:plugin/tools@0.1.0";
const ADAPTER: &str = "armature:plugin/adapter-api@0.1.0";
const RULE: &str = "armature:plugin/rule-api@0.1.0";

/// Interfaces of the contract that a guest may import.
const HOST_INTERFACES: &[&str] = &[
    "log",
    "progress",
    "fs",
    "http",
    "secrets",
    "kv",
    "toolbox",
    "tool-types",
];

/// What a component is, read from its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Exports `tools`.
    pub(crate) tool: bool,
    /// Exports `adapter-api`.
    pub(crate) adapter: bool,
    /// Exports `rule-api`.
    pub(crate) rule: bool,
    /// Names of everything else it exports.
    pub(crate) typed: Vec<String>,
    /// Names of what it imports.
    pub(crate) imports: Vec<String>,
    /// The manifest inside it.
    pub(crate) manifest: Option<String>,
}

/// Reads the shape of a component and refuses what is too large or made for another host.
pub(crate) fn inspect(plugin: &str, bytes: &[u8], limits: &Limits) -> Result<Shape, LoadError> {
    not_a_component(plugin, bytes)?;
    let mut shape = read(plugin, bytes, limits)?;
    check_imports(plugin, &shape)?;
    let speaks_ours = shape.tool || shape.adapter || shape.rule;
    // Beside our contract, what else is exported is some toolchain's own (`init`) and no tool.
    if speaks_ours {
        shape.typed.clear();
    }
    if !speaks_ours && shape.typed.is_empty() {
        return Err(LoadError::NothingExported {
            plugin: plugin.to_owned(),
        });
    }
    if shape.rule
        && let Some(import) = shape.imports.first()
    {
        return Err(LoadError::RuleImports {
            plugin: plugin.to_owned(),
            import: import.clone(),
        });
    }
    Ok(shape)
}

/// Checks every byte of a component against the proposals that are pinned. Bytes that are not valid must never reach
/// the compiler; what comes from the compiled cache has been here before.
pub(crate) fn validate(plugin: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let invalid = |e: wasmparser::BinaryReaderError| LoadError::NotAComponent {
        plugin: plugin.to_owned(),
        why: first_line(&e.to_string()),
    };
    Validator::new_with_features(features())
        .validate_all(bytes)
        .map(drop)
        .map_err(invalid)
}

/// The proposals that a plugin may use. Pinned, so that a newer engine does not widen what strangers can reach.
fn features() -> WasmFeatures {
    let mut features = WasmFeatures::WASM2;
    features |=
        WasmFeatures::COMPONENT_MODEL | WasmFeatures::RELAXED_SIMD | WasmFeatures::EXTENDED_CONST;
    features
}

fn not_a_component(plugin: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let why = if Parser::is_component(bytes) {
        return Ok(());
    } else if Parser::is_core_wasm(bytes) {
        "it is a core module; make a component of it (build for wasm32-wasip2, or `wasm-tools component new`)"
    } else if bytes.is_empty() {
        "the file is empty"
    } else {
        "the bytes do not begin like WebAssembly"
    };
    Err(LoadError::NotAComponent {
        plugin: plugin.to_owned(),
        why: why.to_owned(),
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn read(plugin: &str, bytes: &[u8], limits: &Limits) -> Result<Shape, LoadError> {
    let mut shape = Shape {
        tool: false,
        adapter: false,
        rule: false,
        typed: Vec::new(),
        imports: Vec::new(),
        manifest: None,
    };
    let (mut depth, mut deepest, mut functions) = (0u64, 0u64, 0u64);
    let broken = |e: wasmparser::BinaryReaderError| LoadError::NotAComponent {
        plugin: plugin.to_owned(),
        why: first_line(&e.to_string()),
    };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::FunctionSection(section) => functions += u64::from(section.count()),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    shape
                        .imports
                        .push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    match export.map_err(broken)?.name.name {
                        TOOLS => shape.tool = true,
                        ADAPTER => shape.adapter = true,
                        RULE => shape.rule = true,
                        other => shape.typed.push(other.to_owned()),
                    }
                }
            }
            Payload::CustomSection(section)
                if depth == 1
                    && section.name() == SECTION
                    && section.data().len() <= MAX_MANIFEST =>
            {
                shape.manifest = std::str::from_utf8(section.data()).ok().map(str::to_owned);
            }
            _ => {}
        }
    }
    let over = |limit: armature_grants::LimitId, found: u64| LoadError::TooLarge {
        plugin: plugin.to_owned(),
        limit,
        found: limit.row().show(found),
        allowed: limit.row().show(limits.get(limit)),
    };
    if functions > limits.component_functions {
        return Err(over(
            armature_grants::LimitId::ComponentFunctions,
            functions,
        ));
    }
    if deepest > limits.component_nesting {
        return Err(over(armature_grants::LimitId::ComponentNesting, deepest));
    }
    Ok(shape)
}

fn check_imports(plugin: &str, shape: &Shape) -> Result<(), LoadError> {
    let of_contract = |name: &str| name.strip_prefix("armature:plugin/").map(str::to_owned);
    let names = shape.imports.iter().chain(&shape.typed);
    for name in names.filter(|name| of_contract(name).is_some()) {
        let version = name.rsplit_once('@').map_or("none", |(_, version)| version);
        if version != CONTRACT {
            return Err(LoadError::UnknownImport {
                plugin: plugin.to_owned(),
                import: name.clone(),
                why: format!(
                    "it was built for version {version} of armature:plugin and this host speaks {CONTRACT}; rebuild it with the sdk of this version"
                ),
            });
        }
    }
    for name in &shape.imports {
        let plain = name.split('@').next().unwrap_or_default();
        let known = match (of_contract(plain), plain.strip_prefix("wasi:")) {
            (Some(interface), _) => HOST_INTERFACES.contains(&interface.as_str()),
            (_, Some(wasi)) => !wasi.starts_with("http/") && name.contains("@0.2."),
            _ => false,
        };
        if !known {
            let why = match plain {
                p if p.starts_with("wasi:http") => "use `armature:plugin/http` instead",
                p if p.starts_with("wasi:") => "only WASI 0.2 is linked",
                _ => "a plugin imports `armature:plugin/*` and WASI 0.2, nothing else",
            };
            return Err(LoadError::UnknownImport {
                plugin: plugin.to_owned(),
                import: name.clone(),
                why: why.to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(text: &str) -> Result<Shape, LoadError> {
        let bytes = wat::parse_str(text).unwrap();
        let shape = inspect("p", &bytes, &Limits::standard())?;
        validate("p", &bytes).map(|()| shape)
    }

    #[test]
    fn bytes_that_are_no_component_are_told_apart() {
        let why = |bytes: &[u8]| {
            inspect("p", bytes, &Limits::standard())
                .unwrap_err()
                .to_string()
        };
        assert!(why(b"").contains("empty"));
        assert!(why(b"#!/bin/sh").contains("do not begin like WebAssembly"));
        assert!(why(&wat::parse_str("(module)").unwrap()).contains("core module"));
        assert!(why(b"\0asm\x0d\0\x01\0garbage").contains("not a WebAssembly component"));
    }

    #[test]
    fn an_import_from_elsewhere_is_named() {
        let error = shape_of(r#"(component (import "acme:net/sockets@1.0.0" (instance)))"#)
            .unwrap_err()
            .to_string();
        assert!(error.contains("acme:net/sockets@1.0.0"), "{error}");
    }

    #[test]
    fn a_plugin_for_another_version_of_the_contract_is_told_both_versions() {
        let error = shape_of(r#"(component (import "armature:plugin/log@0.9.0" (instance)))"#)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("0.9.0") && error.contains(CONTRACT),
            "{error}"
        );
    }

    #[test]
    fn a_component_that_exports_nothing_is_no_plugin() {
        assert!(matches!(
            shape_of("(component)"),
            Err(LoadError::NothingExported { .. })
        ));
    }

    #[test]
    fn components_nested_beyond_the_limit_are_refused_before_they_are_compiled() {
        let mut text = String::from("(component)");
        for _ in 0..20 {
            text = format!("(component {text})");
        }
        assert!(matches!(
            shape_of(&text),
            Err(LoadError::TooLarge {
                limit: armature_grants::LimitId::ComponentNesting,
                ..
            })
        ));
    }

    #[test]
    fn proposals_that_are_not_pinned_are_refused() {
        let error = shape_of(
            "(component (core module (memory i64 1)) (component $c) (export \"x\" (component $c)))",
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("memory64"), "{error}");
    }
}
