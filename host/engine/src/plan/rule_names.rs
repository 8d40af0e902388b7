//! The tools that safety rules are about: a rule about a tool that nobody has never applies, and its author thinks that
//! it does.

use armature_spec::{SafetyRule, Spec, path};

use super::{
    problem::{PlanCode, Reporter, nearest},
    resolve::Resolver,
};

/// Reports rules about names that are none.
pub(super) async fn check(spec: &Spec, resolver: &mut Resolver<'_>, report: &mut Reporter<'_>) {
    // What servers offer is not known before they are asked.
    if !spec.mcp_servers.is_empty() {
        return;
    }
    for (place, rule) in spec.safety_rules.iter().enumerate() {
        let name = match rule {
            SafetyRule::Dsl(rule) => rule.tool.as_str(),
            SafetyRule::Component(rule) => rule.tool.as_str(),
        };
        if name == "*" || spec.adapters.contains_key(name) {
            continue;
        }
        let known = resolver.names(report).await;
        let own = resolver.own_name(name);
        if known.iter().any(|known| known == own) {
            continue;
        }
        let adapters = spec.adapters.keys().map(String::as_str);
        let hint = nearest(name, known.iter().map(String::as_str).chain(adapters)).map_or_else(
            || "remove the rule, or list the plugin that has the tool under `tools`".to_owned(),
            |other| format!("did you mean `{other}`?"),
        );
        let message = format!(
            "the rule is about `{}`, and there is no such tool: it never applies",
            name.escape_debug()
        );
        report
            .add(
                PlanCode::UnknownRuleTool,
                path!["safety_rules", place, "tool"],
                message,
            )
            .hint(hint);
    }
}
