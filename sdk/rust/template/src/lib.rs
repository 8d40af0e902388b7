//! my-plugin: say in one sentence what it is for.

use armature_plugin::prelude::*;

/// Greet somebody. A model reads this line to decide when to call the tool.
#[tool(effect = read_only)]
fn greet(
    /// Whom to greet.
    name: String,
) -> Result<String, ToolError> {
    if name.trim().is_empty() {
        return Err(ToolError::invalid("`name` is empty: say whom to greet"));
    }
    Ok(format!("Hello, {name}!"))
}

export_tools!(greet);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_with_a_name_is_greeted() {
        assert_eq!(greet("Ada".into()), Ok("Hello, Ada!".into()));
        assert!(greet(" ".into()).is_err());
    }
}
