//! wasmtime with nothing around it: no fuel, no epochs, no limits, no host. What everything else is compared with.

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, InstancePre, Linker},
};

/// Types of the contract.
pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package armature:bench; world tool-exports { export armature:plugin/tools@0.1.0; }",
        world: "armature:bench/tool-exports",
    });
}

/// Types of the contract.
pub(crate) mod rule {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package armature:bench; world rule-exports { export armature:plugin/rule-api@0.1.0; }",
        world: "armature:bench/rule-exports",
    });
}

/// An engine with a pool: as quick as wasmtime is.
pub(crate) fn engine() -> Engine {
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(
        PoolingAllocationConfig::new(),
    ));
    Engine::new(&config).unwrap()
}

/// A component, ready for instances.
pub(crate) fn prepared(engine: &Engine, wasm: &[u8]) -> InstancePre<()> {
    let component = Component::new(engine, wasm).unwrap();
    Linker::new(engine).instantiate_pre(&component).unwrap()
}

/// One call of a tool in a fresh instance.
pub(crate) fn call_tool(
    pre: &InstancePre<()>,
    indices: &tool::ToolExportsIndices,
    arguments: &str,
) -> String {
    use tool::exports::armature::plugin::tools::CallContext;
    let mut store = Store::new(pre.engine(), ());
    let instance = pre.instantiate(&mut store).unwrap();
    let exports = indices.load(&mut store, &instance).unwrap();
    let context = CallContext {
        run_id: "run".into(),
        stage: "stage".into(),
        call_id: "call".into(),
        remaining_ms: 1,
    };
    exports
        .armature_plugin_tools()
        .call_call_tool(&mut store, "t", &arguments.to_owned(), &context)
        .unwrap()
        .expect("an answer")
}

/// One decision of a rule in a fresh instance.
pub(crate) fn check(
    pre: &InstancePre<()>,
    indices: &rule::RuleExportsIndices,
    event: &rule::exports::armature::plugin::rule_api::Event,
) {
    let mut store = Store::new(pre.engine(), ());
    let instance = pre.instantiate(&mut store).unwrap();
    let exports = indices.load(&mut store, &instance).unwrap();
    exports
        .armature_plugin_rule_api()
        .call_check(&mut store, event)
        .unwrap();
}
