//! Plugins, shown: a line each in a list, a page for one.

use armature_engine::PluginProblem;
use armature_grants::LIMITS;
use armature_sandbox::{Origin, Plugin, ToolDefinition};
use serde_json::{Value, json};

use super::{style, text};

/// How the sandbox says that there is no component beside a manifest.
const UNBUILT: &str = "build the plugin first";

/// What a plugin is, in words.
pub(crate) fn kinds(plugin: &Plugin) -> String {
    let kinds = plugin.kinds();
    let words = [
        (kinds.tool, "tools"),
        (kinds.adapter, "adapter"),
        (kinds.rule, "rule"),
    ];
    let words: Vec<&str> = words
        .iter()
        .filter_map(|(is, word)| is.then_some(*word))
        .collect();
    words.join(", ")
}

/// Where a plugin came from.
pub(crate) fn origin(plugin: &Plugin) -> String {
    match plugin.origin() {
        Origin::Builtin => "built in".to_owned(),
        Origin::Host => "part of the host".to_owned(),
        Origin::File(path) => text::line(&path.display().to_string(), 200),
    }
}

/// A list of plugins.
pub(crate) fn list(plugins: &[&Plugin]) -> Vec<String> {
    let width = plugins
        .iter()
        .map(|plugin| plugin.name().as_str().len())
        .max()
        .unwrap_or_default();
    let line = |plugin: &&Plugin| {
        let name = style::name(&format!("{:<width$}", plugin.name().as_str()));
        let version = text::line(plugin.version(), 12);
        let about = text::line(plugin.description(), 100);
        let place = style::faint(&format!("({})", origin(plugin)));
        format!(
            "{name}  {version:<8}  {:<14}  {about} {place}",
            kinds(plugin)
        )
    };
    plugins.iter().map(line).collect()
}

/// What is said about files that are not used. Projects that are not built are said together: a directory of sources is
/// no mistake.
pub(crate) fn problems(problems: &[PluginProblem]) -> Vec<String> {
    let (unbuilt, broken): (Vec<_>, Vec<_>) = problems
        .iter()
        .partition(|problem| problem.why.contains(UNBUILT));
    let say = |problem: &&PluginProblem| {
        format!("`{}` is not used: {}", problem.path.display(), problem.why)
    };
    let mut said: Vec<String> = broken.iter().map(say).collect();
    if !unbuilt.is_empty() {
        let paths: Vec<String> = unbuilt
            .iter()
            .map(|problem| problem.path.display().to_string())
            .collect();
        said.push(format!(
            "{} not built, so not used: {}",
            text::length(unbuilt.len(), "plugin project"),
            paths.join(", ")
        ));
    }
    said
}

/// A page about one.
pub(crate) fn page(plugin: &Plugin, tools: &[ToolDefinition]) -> Vec<String> {
    let name = style::name(plugin.name().as_str());
    let mut lines = vec![format!("{name} {}", text::line(plugin.version(), 40))];
    let description = text::line(plugin.description(), 2_000);
    if !description.is_empty() {
        lines.push(description);
    }
    lines.push(String::new());
    let size = text::bytes(u64::try_from(plugin.size()).unwrap_or(u64::MAX));
    let imports: Vec<String> = plugin
        .imports()
        .iter()
        .map(|import| text::line(import, 120))
        .collect();
    let rows = [
        ("does", kinds(plugin)),
        ("from", origin(plugin)),
        ("digest", plugin.digest().to_string()),
        ("size", size),
        (
            "imports",
            if imports.is_empty() {
                "nothing".to_owned()
            } else {
                imports.join(", ")
            },
        ),
    ];
    lines.extend(
        rows.into_iter()
            .map(|(key, value)| format!("{} {value}", style::faint(&format!("{key:<8}")))),
    );
    let manifest = plugin.manifest();
    lines.push(String::new());
    let requests = manifest.requests.lines();
    if requests.is_empty() {
        lines.push("Asks for no right: it computes, and reaches nothing.".to_owned());
    } else {
        lines.push(format!(
            "{} {}",
            style::name("Asks for"),
            style::faint("(nothing is given unless a spec grants it)")
        ));
        lines.extend(
            requests
                .iter()
                .map(|line| format!("  {}", text::line(line, 300))),
        );
    }
    let asked = LIMITS.iter().filter_map(|row| {
        Some(format!(
            "  {} {}",
            row.name,
            row.show(manifest.limits.get(row.id)?)
        ))
    });
    let asked: Vec<String> = asked.collect();
    if !asked.is_empty() {
        lines.push(style::name("Suggests these limits"));
        lines.extend(asked);
    }
    for tool in tools {
        lines.push(String::new());
        lines.extend(page_of_tool(tool));
    }
    lines
}

fn page_of_tool(tool: &ToolDefinition) -> Vec<String> {
    let effect = json!(tool.effect);
    let effect = effect.as_str().unwrap_or_default().replace('_', " ");
    let twice = if tool.idempotent {
        ", twice is as once"
    } else {
        ""
    };
    let about = format!("({effect}, undone: {}{twice})", tool.reversibility.word());
    let mut lines = vec![format!(
        "{} {} {}",
        style::name("tool"),
        tool.name,
        style::faint(&about)
    )];
    lines.extend(
        text::visible(&tool.description)
            .lines()
            .map(|line| format!("  {line}")),
    );
    lines.extend(arguments(&tool.input_schema));
    lines
}

/// The arguments of a schema, a line each; what is no plain object is shown as it is.
fn arguments(schema: &Value) -> Vec<String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let line = |(name, schema): (&String, &Value)| {
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            _ => "any".to_owned(),
        };
        let needed = if required.contains(&name.as_str()) {
            ""
        } else {
            ", may be left out"
        };
        let about = schema
            .get("description")
            .and_then(Value::as_str)
            .map(|about| format!("  {}", text::line(about, 200)));
        let kind = text::line(&kind, 60);
        format!(
            "    {} {}{}",
            text::line(name, 60),
            style::faint(&format!("({kind}{needed})")),
            about.unwrap_or_default()
        )
    };
    properties.iter().map(line).collect()
}

/// A plugin as data.
pub(crate) fn as_json(plugin: &Plugin, tools: Option<&[ToolDefinition]>) -> Value {
    let manifest = plugin.manifest();
    let limits: serde_json::Map<String, Value> = LIMITS
        .iter()
        .filter_map(|row| {
            Some((
                row.name.to_owned(),
                json!(row.show(manifest.limits.get(row.id)?)),
            ))
        })
        .collect();
    let kinds = plugin.kinds();
    let mut value = json!({
        "name": plugin.name().as_str(),
        "version": plugin.version(),
        "description": plugin.description(),
        "kinds": {"tool": kinds.tool, "adapter": kinds.adapter, "rule": kinds.rule},
        "origin": origin(plugin),
        "digest": plugin.digest().to_string(),
        "size": plugin.size(),
        "imports": plugin.imports(),
        "requests": manifest.requests,
        "limits": limits,
    });
    if let (Some(tools), Some(map)) = (tools, value.as_object_mut()) {
        map.insert("tools".to_owned(), json!(tools));
    }
    value
}

/// What a call used, on a line.
pub(crate) fn usage(usage: &armature_store::event::Usage) -> String {
    format!(
        "used {} fuel, {} of memory, {}, {} in, {} out, {:.3} ms",
        text::thousands(usage.fuel),
        text::bytes(usage.memory_peak),
        text::count(usage.host_calls, "host call"),
        text::bytes(usage.bytes_in),
        text::bytes(usage.bytes_out),
        milliseconds(usage.wall_us),
    )
}

#[expect(clippy::cast_precision_loss, reason = "three decimals are shown")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
