//! The operator's ceiling: what no spec can exceed on this machine.
//!
//! ```toml
//! deny_plugins = ["shell"]
//!
//! [ceiling]                      # for every plugin; without this table there is no common ceiling
//! http = ["GET https://*/**"]
//!
//! [plugins.weather]              # for one plugin, in place of the common ceiling
//! http = ["GET https://api.weather.gov/**"]
//!
//! [limits]
//! timeout_s = 60
//!
//! [sandbox]                      # where commands may run, besides `wasm`
//! allow = ["docker"]
//!
//! [home]
//! cache = "512MiB"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Grants, HomeLimits, LimitRequest, PluginName, SandboxPolicy};

/// What `policy.toml` says. Without the file nothing is taken away.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The most that any plugin may be granted.
    #[serde(default)]
    ceiling: Option<Grants>,
    /// The most that one plugin may be granted.
    #[serde(default)]
    plugins: BTreeMap<PluginName, Grants>,
    /// The most that any call may use, and what plugins are loaded under.
    #[serde(default, deserialize_with = "LimitRequest::every_row")]
    limits: LimitRequest,
    /// Where commands may run.
    #[serde(default)]
    sandbox: SandboxPolicy,
    /// How much is kept between runs.
    #[serde(default)]
    home: HomeLimits,
    /// Plugins that are not loaded at all.
    #[serde(default)]
    deny_plugins: Vec<PluginName>,
}

impl Policy {
    /// The ceiling for one plugin; `None` where the operator set none.
    pub fn ceiling(&self, plugin: &PluginName) -> Option<&Grants> {
        self.plugins.get(plugin).or(self.ceiling.as_ref())
    }

    /// The most that any call may use. What belongs to loading is in it, too: see [`crate::Limits::of_loading`].
    pub fn limits(&self) -> &LimitRequest {
        &self.limits
    }

    /// May a container in which this plugin's commands run have a network?
    pub fn allows_network(&self, plugin: &PluginName) -> bool {
        self.sandbox
            .network
            .unwrap_or_else(|| self.ceiling(plugin).is_none())
    }

    /// Where commands may run.
    pub fn sandbox(&self) -> &SandboxPolicy {
        &self.sandbox
    }

    /// How much is kept between runs.
    pub fn home(&self) -> &HomeLimits {
        &self.home
    }

    /// May this plugin be used at all?
    pub fn allows(&self, plugin: &PluginName) -> bool {
        !self.deny_plugins.contains(plugin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_own_ceiling_stands_in_place_of_the_common_one() {
        let policy: Policy = toml::from_str(
            "deny_plugins = [\"shell\"]\n[ceiling]\n[plugins.weather]\nhttp = [\"GET https://api.weather.gov/**\"]\n[limits]\ntimeout_s = 5",
        )
        .unwrap();
        let name = |text| PluginName::new(text).unwrap();
        assert!(policy.ceiling(&name("other")).unwrap().is_empty());
        assert_eq!(policy.ceiling(&name("weather")).unwrap().http.len(), 1);
        assert!(!policy.allows(&name("shell")));
        assert!(Policy::default().ceiling(&name("other")).is_none());
    }

    #[test]
    fn the_policy_that_the_documentation_shows_is_one() {
        let text = include_str!("../../README.md");
        let (_, section) = text.split_once("## The operator's policy").unwrap();
        let (_, block) = section.split_once("```toml\n").unwrap();
        let policy: Policy = toml::from_str(block.split("```").next().unwrap()).unwrap();
        assert!(!policy.allows(&PluginName::new("scraper").unwrap()));
        assert_eq!(policy.limits().get(crate::LimitId::Timeout), Some(60_000));
        assert_eq!(policy.home().cache, 512 << 20);
    }

    #[test]
    fn where_there_is_a_ceiling_a_container_has_a_network_only_if_the_policy_says_so() {
        let allows = |text: &str| {
            let policy: Policy = toml::from_str(text).unwrap();
            policy.allows_network(&PluginName::new("shell").unwrap())
        };
        assert!(allows(""));
        assert!(!allows("[sandbox]\nnetwork = false"));
        assert!(!allows("[ceiling]\nhttp = [\"GET https://*/**\"]"));
        assert!(allows("[ceiling]\n[sandbox]\nnetwork = true"));
    }

    #[test]
    fn a_key_that_the_policy_does_not_know_is_refused() {
        assert!(toml::from_str::<Policy>("deny_plugin = [\"x\"]").is_err());
        assert!(toml::from_str::<Policy>("[home]\ncaches = 1").is_err());
    }

    #[test]
    fn what_the_operator_does_not_say_about_the_home_is_as_the_table_has_it() {
        let policy: Policy = toml::from_str("[home]\ncache_days = 7").unwrap();
        let home = policy.home();
        assert_eq!((home.cache_days, home.cache), (7, 256 << 20));
        let text = include_str!("../../README.md");
        for row in crate::HOME_LIMITS {
            assert!(
                text.contains(&format!("| `{}` |", row.name)),
                "host/README.md does not explain `{}`",
                row.name
            );
        }
    }
}
