//! `{{ env.NAME }}` in arguments: which hosts may receive the value.
//!
//! The author who writes a key into the arguments of a call and the host into its URL has said where the key may go:
//! to that host. A host that comes from a template is not written down: whoever fills the template in would choose
//! who gets the key. Then a grant must name it.

use armature_grants::HostPattern;
use serde_json::Value;

/// The hosts that URLs in these arguments name literally.
pub(crate) fn literal_hosts(args: &Value) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    collect(args, &mut hosts);
    hosts
}

fn collect(value: &Value, hosts: &mut Vec<HostPattern>) {
    match value {
        Value::String(text) => hosts.extend(literal_host(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, hosts)),
        Value::Object(map) => map.values().for_each(|item| collect(item, hosts)),
        _ => {}
    }
}

/// The host of a URL that is complete before any template begins.
fn literal_host(text: &str) -> Option<HostPattern> {
    let rest = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| text.trim_start().strip_prefix(scheme))?;
    let end = rest.find(['/', '?', '#']);
    let template = rest.find('{');
    let authority = match (end, template) {
        (Some(end), Some(template)) if end < template => rest.get(..end)?,
        (Some(end), None) => rest.get(..end)?,
        (None, None) => rest.trim_end(),
        _ => return None,
    };
    // A user name in front could make one host look like another.
    if authority.contains(['@', '\\']) {
        return None;
    }
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A pattern would mean more than the one host that is written.
    if host.contains('*') {
        None
    } else {
        host.parse().ok()
    }
}

/// The names after `env.` in these arguments.
pub(crate) fn names(args: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect_names(args, &mut names);
    names.sort_unstable();
    names.dedup();
    names
}

fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains('{') => {
            for (at, _) in text.match_indices("env") {
                let boundary = text.get(..at).and_then(|t| t.chars().next_back());
                if boundary.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
                    continue;
                }
                let rest = text.get(at + 3..).unwrap_or_default().trim_start();
                let rest = rest.strip_prefix('.').or_else(|| rest.strip_prefix('['));
                let rest = rest.map(|r| r.trim_start().trim_start_matches(['"', '\'']));
                let name: String = rest
                    .unwrap_or_default()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if !name.is_empty() {
                    names.push(name);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            collect_names(&Value::from(key.as_str()), names);
            collect_names(item, names);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_host_that_is_written_out_may_receive_a_secret() {
        let host = |text: &str| literal_host(text).map(|host| host.to_string());
        assert_eq!(
            host("https://api.example.com/v1/{{ x }}"),
            Some("api.example.com".into())
        );
        assert_eq!(
            host("https://api.example.com"),
            Some("api.example.com".into())
        );
        assert_eq!(host("http://localhost:8080/x"), Some("localhost".into()));
        for text in [
            "https://{{ host }}/x",
            "https://api.{{ zone }}.com/",
            "https://api.example.com{{ x }}",
            "https://api.example.com@{{ host }}/",
            "https://good.com@evil.com/",
            "https://*.com/",
            "ftp://a.com/",
        ] {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_found_at_any_depth() {
        let args = json!({"h": {"a": "Bearer {{ env.KEY }}"}, "l": ["{{ env['OTHER'] }}"], "x": "{{ myenv.NO }} env.NO"});
        assert_eq!(names(&args), ["KEY", "NO", "OTHER"]);
        assert!(names(&json!("env.X without a template")).is_empty());
    }
}
