//! What `wit-bindgen` makes of the contract in `wit/`: one module a world.
//!
//! The three worlds stay apart because a component promises every export of every world it is linked with: a rule
//! must not promise tools. Imports are generated once, in [`tool`], and shared. Only what a plugin really calls ends
//! up among its component's imports.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes_without_reason,
    clippy::uninlined_format_args,
    clippy::semicolon_if_nothing_returned,
    clippy::redundant_closure_for_method_calls,
    reason = "generated code"
)]

/// The world `tool`, and the host's interfaces.
pub mod tool {
    wit_bindgen::generate!({
        path: "wit",
        world: "tool",
        pub_export_macro: true,
        export_macro_name: "export_tool_world",
        default_bindings_module: "armature_plugin::__private::bindings::tool",
        runtime_path: "armature_plugin::__private::wit_bindgen::rt",
    });
}

/// The world `adapter`.
pub mod adapter {
    wit_bindgen::generate!({
        path: "wit",
        world: "adapter",
        pub_export_macro: true,
        export_macro_name: "export_adapter_world",
        default_bindings_module: "armature_plugin::__private::bindings::adapter",
        runtime_path: "armature_plugin::__private::wit_bindgen::rt",
        with: {
            "armature:plugin/log@0.1.0": crate::bindings::tool::armature::plugin::log,
            "armature:plugin/progress@0.1.0": crate::bindings::tool::armature::plugin::progress,
            "armature:plugin/fs@0.1.0": crate::bindings::tool::armature::plugin::fs,
            "armature:plugin/http@0.1.0": crate::bindings::tool::armature::plugin::http,
            "armature:plugin/secrets@0.1.0": crate::bindings::tool::armature::plugin::secrets,
            "armature:plugin/kv@0.1.0": crate::bindings::tool::armature::plugin::kv,
            "armature:plugin/tool-types@0.1.0": crate::bindings::tool::armature::plugin::tool_types,
            "armature:plugin/toolbox@0.1.0": crate::bindings::tool::armature::plugin::toolbox,
        },
    });
}

/// The world `rule`, which imports nothing.
pub mod rule {
    wit_bindgen::generate!({
        path: "wit",
        world: "rule",
        pub_export_macro: true,
        export_macro_name: "export_rule_world",
        default_bindings_module: "armature_plugin::__private::bindings::rule",
        runtime_path: "armature_plugin::__private::wit_bindgen::rt",
    });
}
