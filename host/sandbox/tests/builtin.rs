//! The built-in components, called through the sandbox as the engine calls them.
#![expect(clippy::disallowed_methods, reason = "a test prepares its own files")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::Path, sync::Arc};

use armature_grants::{Grants, Layer, Limits, Rights, ToolName};
use armature_sandbox::{
    Call, CallContext, CallError, Plugin, Sandbox, Services, ToolError, Workspace,
};
use serde_json::{Value, json};

fn plugin(sandbox: &Sandbox, name: &str) -> Arc<Plugin> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let wasm = std::fs::read(root.join("compiled").join(format!("{name}.wasm"))).unwrap();
    let manifest = std::fs::read_to_string(root.join(name).join("plugin.toml")).unwrap();
    sandbox.builtin(&wasm, &manifest).unwrap()
}

fn call(plugin: &Plugin, workspace: &Path, grants: Value) -> Call {
    let grants: Grants = serde_json::from_value(grants).unwrap();
    Call {
        rights: Rights::new(plugin.name().clone(), plugin.manifest().requests.clone())
            .narrowed(Layer::Spec, grants),
        limits: Limits::standard(),
        services: Services::nothing(),
        workspace: Some(Workspace::open(workspace, Vec::new()).unwrap()),
        context: CallContext::default(),
    }
}

#[tokio::test]
async fn the_file_plugin_writes_and_reads_what_it_was_granted_and_nothing_else() {
    let sandbox = Sandbox::new(None, armature_grants::Limits::standard()).unwrap();
    let file = plugin(&sandbox, "file");
    let tools = sandbox.tools(&file).await.unwrap();
    assert_eq!(
        tools
            .iter()
            .map(|tool| tool.name.as_str())
            .collect::<Vec<_>>(),
        ["file_read", "file_write"]
    );
    let dir = tempfile::tempdir().unwrap();
    let granted = json!({"fs": {"read": ["."], "write": ["out"]}});
    let go = async |tool: &str, args: Value| {
        let tool = ToolName::new(tool).unwrap();
        sandbox
            .call_tool(
                &file,
                &tool,
                &args,
                call(&file, dir.path(), granted.clone()),
            )
            .await
    };
    let written = go(
        "file_write",
        json!({"path": "out/a.txt", "content": "grüße"}),
    )
    .await;
    assert_eq!(written.result.unwrap(), json!({"written": "out/a.txt"}));
    assert!(
        written.usage.fuel > 0 && written.usage.host_calls > 0 && written.usage.memory_peak > 0
    );
    let read = go("file_read", json!({"path": "out/a.txt"})).await;
    assert_eq!(read.result.unwrap(), json!({"content": "grüße"}));
    let refused = go("file_write", json!({"path": "a.txt", "content": ""})).await;
    assert_eq!(refused.usage.denials.len(), 1);
    assert!(
        matches!(refused.result, Err(CallError::Tool(ToolError::Denied(_)))),
        "{:?}",
        refused.result
    );
}
