//! Values that a template puts into a shell command.

use super::scan::{Kind, Tag, tags};

/// Filters after which a value is one word of a shell, or a number: nothing in it can be run.
const SAFE: &[&str] = &[
    "sh", "int", "float", "length", "count", "abs", "round", "sum",
];

/// The expressions of a template that print a value as it is.
pub(crate) fn unquoted(text: &str) -> Vec<String> {
    let Ok(tags) = tags(text) else {
        // Not a template: that is reported elsewhere.
        return Vec::new();
    };
    let mut found: Vec<String> = tags
        .iter()
        .filter(|tag| !tag.is_statement && !is_safe(tag))
        .filter_map(|tag| text.get(tag.inner.clone()))
        .map(|inner| inner.trim().to_owned())
        .collect();
    found.dedup();
    found
}

/// Is what it prints written down, or made safe by its last filter?
fn is_safe(tag: &Tag<'_>) -> bool {
    let names = || tag.words.iter().filter(|word| word.kind == Kind::Name);
    if names().next().is_none() {
        return true;
    }
    let last = tag.words.iter().rposition(|word| word.text == "|");
    let Some((at, filter)) = last.and_then(|at| Some((at, tag.words.get(at + 1)?))) else {
        return false;
    };
    // Within brackets it is the filter of a part: `(a | sh) ~ b`.
    let mut open = 0_usize;
    for word in tag.words.iter().skip(at + 1) {
        match word.kind {
            Kind::Open(_) => open += 1,
            Kind::Close if open == 0 => return false,
            Kind::Close => open -= 1,
            Kind::Mark if open == 0 && word.text != "|" => return false,
            Kind::Name if open == 0 && word.text == "if" => return false,
            _ => {}
        }
    }
    SAFE.contains(&filter.text)
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn a_value_is_quoted_by_its_last_filter_or_is_a_number() {
        for safe in [
            "ls",
            "cat {{ path | sh }}",
            "cat {{ path | trim | sh }}",
            "head -n {{ n | int }} f",
            "head -n {{ items | length }}",
            "echo {{ 'x' }} {{ 3 }}",
            "{% for f in files %}cat {{ f | sh }}\n{% endfor %}",
            "{% raw %}{{ x }}{% endraw %}",
            "echo ${x} ${#x}",
        ] {
            assert!(unquoted(safe).is_empty(), "{safe}: {:?}", unquoted(safe));
        }
        for (wrong, values) in [
            ("cat {{ path }}", vec!["path"]),
            ("cat '{{ path }}'", vec!["path"]),
            ("cat {{ path | sh | upper }}", vec!["path | sh | upper"]),
            ("{{ (a | sh) ~ b }}", vec!["(a | sh) ~ b"]),
            ("{{ a | sh ~ b }}", vec!["a | sh ~ b"]),
            (
                "{{ a | tojson }} {{ b | sh }} {{ c.d }}",
                vec!["a | tojson", "c.d"],
            ),
        ] {
            assert_eq!(unquoted(wrong), values, "{wrong}");
        }
    }
}
