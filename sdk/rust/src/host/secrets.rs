//! Secrets that a plugin uses and never sees: the host adds them to requests towards the hosts that a grant names.

use crate::ToolError;
use crate::bindings::tool::armature::plugin::secrets as wit;

/// Is this secret granted, and does it have a value?
pub fn exists(name: &str) -> bool {
    wit::exists(name)
}

/// Fails early with a message that says what is missing.
///
/// # Errors
/// [`ToolError::Denied`] when the secret is not granted or has no value.
pub fn require(name: &str) -> Result<(), ToolError> {
    if exists(name) {
        return Ok(());
    }
    Err(ToolError::Denied(format!(
        "the secret {name} is not there: set it, and grant it to this plugin under `grants: secrets:`"
    )))
}
