//! `output_max_chars`: results cut to size without changing what they are.
//!
//! A text is cut and marked. In an object every text is cut, at any depth of objects, and `_truncated: true` is added
//! at each level at which something was. A list stays a list: its texts are cut, and elements beyond the limit (as
//! JSON) are dropped from its end. Numbers and booleans are left alone. Characters are counted, never bytes.

use serde_json::Value;

/// What stands where a text was cut.
const MARK: &str = "...[truncated]";

/// Cuts a stage's result. `None` leaves it as it is.
pub(crate) fn truncate(value: Value, limit: Option<u64>) -> Value {
    let Some(limit) = limit.and_then(|n| usize::try_from(n).ok()) else {
        return value;
    };
    match value {
        Value::Array(items) => {
            let mut room = limit;
            let mut kept = Vec::new();
            for mut item in items {
                cut(&mut item, limit);
                let size = item.to_string().chars().count() + 1;
                if size > room && !kept.is_empty() {
                    break;
                }
                room = room.saturating_sub(size);
                kept.push(item);
            }
            Value::Array(kept)
        }
        mut other => {
            cut(&mut other, limit);
            other
        }
    }
}

/// Cuts in place; tells whether something was cut.
fn cut(value: &mut Value, limit: usize) -> bool {
    match value {
        Value::String(text) => match text.char_indices().nth(limit) {
            Some((end, _)) => {
                text.truncate(end);
                text.push_str(MARK);
                true
            }
            None => false,
        },
        Value::Object(map) => {
            let mut was_cut = false;
            for item in map.values_mut() {
                let here = cut(item, limit);
                was_cut |= here && !item.is_object();
            }
            if was_cut {
                map.insert("_truncated".into(), Value::Bool(true));
            }
            was_cut
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |was_cut, item| cut(item, limit) | was_cut),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_cut_by_characters_and_marked() {
        assert_eq!(truncate(json!("äöüß"), Some(2)), json!("äö...[truncated]"));
        assert_eq!(truncate(json!("äö"), Some(2)), json!("äö"));
        assert_eq!(truncate(json!("long"), None), json!("long"));
    }

    #[test]
    fn an_object_is_marked_at_each_level_where_something_was_cut() {
        let cut = truncate(
            json!({"a": "12345", "n": 123456, "b": {"c": "12345"}, "d": {"e": "1"}}),
            Some(3),
        );
        assert_eq!(
            cut,
            json!({"a": "123...[truncated]", "n": 123456, "b": {"c": "123...[truncated]", "_truncated": true},
                   "d": {"e": "1"}, "_truncated": true})
        );
    }

    #[test]
    fn a_list_stays_a_list() {
        assert_eq!(
            truncate(json!([1, 2, 3, 4, 5, 6]), Some(6)),
            json!([1, 2, 3])
        );
        assert_eq!(
            truncate(json!(["1234567890"]), Some(4)),
            json!(["1234...[truncated]"])
        );
    }
}
