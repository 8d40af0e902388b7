//! Rust types of the contract in `wit/`, generated.
//!
//! The host implements the imports once, for every kind of plugin; exports are looked up for the kind that a component
//! turned out to be. One module a contract version: the next version gets a module beside this one.

/// What guests may import.
pub(crate) mod imports {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package armature:host;
            world imports {
                import armature:plugin/log@0.1.0;
                import armature:plugin/progress@0.1.0;
                import armature:plugin/fs@0.1.0;
                import armature:plugin/http@0.1.0;
                import armature:plugin/secrets@0.1.0;
                import armature:plugin/kv@0.1.0;
                import armature:plugin/toolbox@0.1.0;
            }
        ",
        world: "armature:host/imports",
        imports: { default: async | trappable },
    });
}

/// What a tool plugin exports.
pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package armature:host; world tool-exports { export armature:plugin/tools@0.1.0; }",
        world: "armature:host/tool-exports",
        exports: { default: async },
    });
}

/// What an adapter plugin exports.
pub(crate) mod adapter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package armature:host; world adapter-exports { export armature:plugin/adapter-api@0.1.0; }",
        world: "armature:host/adapter-exports",
        exports: { default: async },
    });
}

/// What a rule plugin exports.
pub(crate) mod rule {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package armature:host; world rule-exports { export armature:plugin/rule-api@0.1.0; }",
        world: "armature:host/rule-exports",
        exports: { default: async },
    });
}
