//! The plugins that are part of the program: one row each.
//!
//! They are components like any other, compiled from `plugins/` and embedded as bytes; what they may do is what their
//! manifests ask for and a spec or a default grants.

use armature_engine::Builtin;

macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            wasm: include_bytes!(concat!("../../../plugins/compiled/", $name, ".wasm")),
            manifest: include_str!(concat!("../../../plugins/", $name, "/plugin.toml")),
            about: None,
        }
    };
    (packed $name:literal) => {
        Builtin {
            wasm: include_bytes!(concat!("../../../plugins/compiled/", $name, ".wasm.zst")),
            manifest: include_str!(concat!("../../../plugins/", $name, "/plugin.toml")),
            about: Some(include_str!(concat!(
                "../../../plugins/compiled/",
                $name,
                ".json"
            ))),
        }
    };
}

/// All of them.
pub(crate) const BUILTINS: &[Builtin] = &[
    builtin!("file"),
    builtin!("http"),
    builtin!(packed "shell"),
    builtin!(packed "javascript"),
    builtin!(packed "python"),
    builtin!("text-stats"),
    builtin!("deny-pattern"),
    builtin!("spending-cap"),
];
