//! Plugins whose tools the stages may use.

use armature_grants::{Grants, LimitRequest, NameError, PluginName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A plugin and what it is granted. One of `plugin` and `module` is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolEntry {
    /// Name of the plugin.
    #[serde(default)]
    pub plugin: Option<PluginName>,
    /// A Python module of the original; it means the plugin named like its last part.
    #[serde(default)]
    pub module: Option<String>,
    /// What the plugin may do, of what its manifest asks for.
    #[serde(default)]
    pub grants: Option<Grants>,
    /// How much it may use.
    #[serde(default)]
    pub limits: Option<LimitRequest>,
}

impl ToolEntry {
    /// The plugin that is meant: `myapp.tools.dalle` is `dalle`.
    ///
    /// # Errors
    /// When neither key is there (the text is then empty), or the module's last part is no plugin name.
    pub fn plugin_name(&self) -> Result<PluginName, NameError> {
        match (&self.plugin, &self.module) {
            (Some(plugin), _) => Ok(plugin.clone()),
            (None, module) => {
                let module = module.as_deref().unwrap_or_default();
                PluginName::new(
                    module
                        .rsplit('.')
                        .next()
                        .unwrap_or(module)
                        .to_ascii_lowercase(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_means_the_plugin_named_like_its_last_part() {
        let entry: ToolEntry =
            serde_json::from_value(serde_json::json!({ "module": "myapp.tools.dalle" })).unwrap();
        assert_eq!(entry.plugin_name().unwrap().as_str(), "dalle");
        let entry: ToolEntry =
            serde_json::from_value(serde_json::json!({ "module": "tools." })).unwrap();
        assert!(entry.plugin_name().is_err());
    }
}
