//! The second way to be a tool: a component that exports typed functions and has never heard of this host.
//!
//! Each exported function becomes a tool. Its name is the function's, its schema comes from the WIT types, its
//! description from the documentation comments that the component carries. JSON goes in and out; [`value`] converts.

mod docs;
mod schema;
mod value;

use armature_grants::ToolName;
use serde_json::{Map, Value};
use wasmtime::{
    AsContextMut,
    component::{
        Component, ComponentExportIndex, Instance, Val,
        types::{ComponentFunc, ComponentItem, Type},
    },
};

pub(crate) use docs::Docs;

use crate::{
    definition::{Effect, MAX_ERROR, MAX_TOOLS, Reversibility, ToolDefinition},
    error::ToolError,
    manifest::plain_text,
};

/// One exported function, as a tool.
pub(crate) struct TypedFunction {
    pub(crate) definition: ToolDefinition,
    export: ComponentExportIndex,
    params: Vec<(String, Type)>,
    result: Option<Type>,
}

/// The exported functions of a component that JSON can call: no handles, no streams, no async.
pub(crate) fn functions(component: &Component, docs: &Docs) -> Vec<TypedFunction> {
    let engine = component.engine();
    let mut found: Vec<TypedFunction> = Vec::new();
    let mut add = |interface: Option<&str>,
                   name: &str,
                   function: &ComponentFunc,
                   export: ComponentExportIndex| {
        let known = found
            .iter()
            .any(|known| known.definition.name.as_str() == name);
        if found.len() < MAX_TOOLS
            && !known
            && let Some(function) = describe(interface, name, function, export, docs)
        {
            found.push(function);
        }
    };
    for (name, item) in component.component_type().exports(engine) {
        let Some((_, index)) = component.get_export(None, name) else {
            continue;
        };
        match item.ty {
            ComponentItem::ComponentFunc(function) => add(None, name, &function, index),
            ComponentItem::ComponentInstance(instance) if !name.starts_with("armature:plugin/") => {
                for (inner, item) in instance.exports(engine) {
                    let export = component.get_export(Some(&index), inner);
                    if let (ComponentItem::ComponentFunc(function), Some((_, export))) =
                        (item.ty, export)
                    {
                        add(Some(name), inner, &function, export);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn describe(
    interface: Option<&str>,
    name: &str,
    function: &ComponentFunc,
    export: ComponentExportIndex,
    docs: &Docs,
) -> Option<TypedFunction> {
    if function.async_() {
        return None;
    }
    let tool = ToolName::new(name).ok()?;
    let params: Vec<(String, Type)> = function
        .params()
        .map(|(name, ty)| (name.to_owned(), ty))
        .collect();
    let result = function.results().next();
    let room = &schema::Room::new();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, ty) in &params {
        properties.insert(name.clone(), schema::of(ty, room)?);
        if !matches!(ty, Type::Option(_)) {
            required.push(Value::from(name.as_str()));
        }
    }
    let output_schema = match &result {
        Some(Type::Result(parts)) => parts
            .ok()
            .map(|ok| schema::of(&ok, room))
            .unwrap_or(Some(Value::Object(Map::new())))?,
        Some(ty) => schema::of(ty, room)?,
        None => serde_json::json!({"type": "null"}),
    };
    let text = docs.of(interface, name).unwrap_or_default();
    let definition = ToolDefinition {
        name: tool,
        description: plain_text(text, crate::definition::MAX_DESCRIPTION),
        input_schema: serde_json::json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        }),
        output_schema: Some(output_schema),
        // Nothing is known of a stranger's function but that its rights are few: it is treated as the middle case.
        effect: Effect::Workspace,
        reversibility: Reversibility::Partial,
        idempotent: false,
    };
    Some(TypedFunction {
        definition,
        export,
        params,
        result,
    })
}

impl TypedFunction {
    /// Calls the function with JSON arguments.
    pub(crate) async fn call(
        &self,
        mut store: impl AsContextMut<Data: Send>,
        instance: &Instance,
        arguments: &Value,
    ) -> wasmtime::Result<Result<Value, ToolError>> {
        let mut given = Vec::with_capacity(self.params.len());
        for (name, ty) in &self.params {
            let argument = arguments.get(name).unwrap_or(&Value::Null);
            match value::from_json(ty, argument, name) {
                Ok(val) => given.push(val),
                Err(why) => return Ok(Err(ToolError::InvalidArguments(why))),
            }
        }
        let function = instance
            .get_func(&mut store, self.export)
            .ok_or_else(|| wasmtime::Error::msg("the exported function is gone"))?;
        let mut results = vec![Val::Bool(false); usize::from(self.result.is_some())];
        function
            .call_async(&mut store, &given, &mut results)
            .await?;
        Ok(match results.into_iter().next() {
            None => Ok(Value::Null),
            Some(Val::Result(Err(error))) => {
                let error = error.map_or(Value::Null, |error| value::to_json(*error));
                let text = error
                    .as_str()
                    .map_or_else(|| error.to_string(), str::to_owned);
                Err(ToolError::Failed(plain_text(&text, MAX_ERROR)))
            }
            Some(Val::Result(Ok(ok))) => Ok(ok.map_or(Value::Null, |ok| value::to_json(*ok))),
            Some(val) => Ok(value::to_json(val)),
        })
    }
}
