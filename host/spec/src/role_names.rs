//! Roles by name: `role: researcher` stands for what `roles.researcher` says.
//!
//! The tree is changed before it is read, so that everything behind sees one form, and a mistake in a shared role is
//! shown where it is written. A name that is none is an error with what could have been meant.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    codes::Code,
    finding::Finding,
    suggest::did_you_mean,
    yaml::{Node, NodeKind},
};

/// Puts the roles in the place of their names; tells which names are none, and which values they were.
pub(crate) fn fill_in(root: &mut Node) -> (Vec<Finding>, HashSet<u32>) {
    let (mut findings, mut left_out) = (Vec::new(), HashSet::new());
    let NodeKind::Map(sections) = &mut root.kind else {
        return (findings, left_out);
    };
    let roles: Vec<(std::sync::Arc<str>, Node)> = sections
        .iter()
        .find(|entry| &*entry.key == "roles")
        .map(|entry| match &entry.value.kind {
            NodeKind::Map(roles) => roles
                .iter()
                .map(|role| (role.key.clone(), role.value.clone()))
                .collect(),
            _ => Vec::new(),
        })
        .unwrap_or_default();
    let stages = sections.iter_mut().find(|entry| &*entry.key == "stages");
    let Some(NodeKind::List(stages)) = stages.map(|entry| &mut entry.value.kind) else {
        return (findings, left_out);
    };
    for stage in stages {
        let NodeKind::Map(fields) = &mut stage.kind else {
            continue;
        };
        let Some(role) = fields.iter_mut().find(|entry| &*entry.key == "role") else {
            continue;
        };
        let NodeKind::Scalar { value, text } = &role.value.kind else {
            continue;
        };
        if value.is_null() {
            continue;
        }
        match roles.iter().find(|(name, _)| name == text) {
            Some((_, found)) => role.value = found.clone(),
            None => {
                findings.push(unknown(&roles, text, role.value.at));
                left_out.insert(role.value.id);
                role.value.kind = NodeKind::Scalar {
                    value: Value::Null,
                    text: "".into(),
                };
            }
        }
    }
    (findings, left_out)
}

fn unknown(
    roles: &[(std::sync::Arc<str>, Node)],
    name: &str,
    at: crate::location::Location,
) -> Finding {
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    let finding = Finding::new(
        Code::UndefinedRole,
        format!("`roles` has no role `{shown}`"),
    )
    .at(at);
    let hint = did_you_mean(name, roles.iter().map(|(name, _)| &**name)).unwrap_or_else(|| {
        "write the role out: `role: { type: worker, description: … }`, or add it to `roles`"
            .to_owned()
    });
    finding.hint(hint)
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn a_role_by_name_is_the_role_of_that_name() {
        let text = "
name: x
roles: {researcher: {name: R, type: researcher, description: look, tools: [file_read]}}
stages: [{id: a, role: researcher}, {id: b, role: researcher}]
";
        let document = parse("s", text).unwrap();
        assert!(document.warnings.is_empty(), "{:?}", document.warnings);
        let spec = document.spec;
        assert_eq!(spec.stages[0].role.as_ref(), spec.roles.get("researcher"));
        assert_eq!(spec.stages[0].role, spec.stages[1].role);
    }

    #[test]
    fn a_role_that_is_not_there_is_an_error_with_what_was_meant() {
        let text = "
name: x
roles: {researcher: {type: researcher, description: look}}
stages: [{id: a, role: reseacher}]
";
        let found = parse("s", text).unwrap_err();
        assert_eq!(
            found.0[0].render("s"),
            "s:4:24: error[UNDEFINED_ROLE]: stage `a`: `roles` has no role `reseacher`\n  hint: did you mean `researcher`?"
        );
    }

    #[test]
    fn a_mistake_in_a_shared_role_is_shown_once_where_it_is_written() {
        let text = "
name: x
roles: {r: {type: boss, description: look, colour: red}}
stages: [{id: a, role: r}, {id: b, role: r}]
";
        let found: Vec<String> = parse("s", text)
            .unwrap_err()
            .0
            .iter()
            .map(|f| format!("{} {}", f.code, f.at.unwrap()))
            .collect();
        assert_eq!(found, ["INVALID_VALUE 3:19", "UNKNOWN_KEY 3:44"]);
    }
}
