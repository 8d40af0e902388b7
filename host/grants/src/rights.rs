//! The effective rights of one call: every layer must allow.
//!
//! manifest ∩ spec ∩ policy ∩ stage ∩ …: a layer can be added, never removed, so rights only ever narrow. A refusal
//! names the layer that said no and the line to add there.

use std::fmt;

use url::Url;

use crate::{Capability, Grants, HttpGrant, KvScope, PluginName, RelPath, SecretGrant};

/// Who limits a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The plugin's manifest: what it asks for.
    Manifest,
    /// The workflow's spec, or the built-in default for a built-in plugin.
    Spec,
    /// The operator's policy.
    Policy,
    /// `grants:` of the stage.
    Stage,
}

/// A right that was asked for and not held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    /// The plugin that asked.
    pub plugin: PluginName,
    /// The kind of right.
    pub capability: Capability,
    /// What was asked, e.g. `GET https://example.com/x`.
    pub asked: String,
    /// The layer that does not give it.
    pub layer: Layer,
    /// The line that would give it, in the words of that layer.
    pub line: String,
}

impl Denial {
    /// Where the line goes, and the line: what to do next.
    pub fn hint(&self) -> String {
        match self.layer {
            Layer::Manifest => format!(
                "`{}` never asked for this. Its author would add to [requests] in plugin.toml: {}",
                self.plugin, self.line
            ),
            Layer::Spec => format!(
                "if you trust it, add to the spec:\ntools:\n  - plugin: {}\n    grants:\n      {}",
                self.plugin, self.line
            ),
            Layer::Policy => format!(
                "the operator's policy.toml does not allow it: [plugins.{}] would need {}",
                self.plugin, self.line
            ),
            Layer::Stage => format!(
                "the stage's own `grants:` leave it out; it would need {}",
                self.line
            ),
        }
    }

    /// What the guest is told: what it asked, and that the answer is no.
    pub fn for_guest(&self) -> String {
        format!("not granted: {} {}", self.capability, self.asked)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.layer {
            Layer::Manifest => "its manifest does not request it",
            Layer::Spec => "the spec does not grant it",
            Layer::Policy => "the operator's policy does not allow it",
            Layer::Stage => "the stage does not grant it",
        };
        write!(
            f,
            "plugin `{}` may not use {}: {} — {by}",
            self.plugin, self.capability, self.asked
        )
    }
}

/// The layers that a call must satisfy.
#[derive(Debug, Clone)]
pub struct Rights {
    plugin: PluginName,
    layers: Vec<(Layer, Grants)>,
}

impl Rights {
    /// No rights at all: what a plugin without a manifest has, and what metadata calls and rules have.
    pub fn none(plugin: PluginName) -> Self {
        Self::new(plugin, Grants::default())
    }

    /// The rights that a manifest asks for: the widest that they will ever be.
    pub fn new(plugin: PluginName, manifest: Grants) -> Self {
        Self {
            plugin,
            layers: vec![(Layer::Manifest, manifest)],
        }
    }

    /// The same rights with one more layer that must allow.
    #[must_use]
    pub fn narrowed(mut self, layer: Layer, grants: Grants) -> Self {
        self.layers.push((layer, grants));
        self
    }

    /// Whose rights they are.
    pub fn plugin(&self) -> &PluginName {
        &self.plugin
    }

    /// The layers, from the manifest inwards.
    pub fn layers(&self) -> &[(Layer, Grants)] {
        &self.layers
    }

    fn all(
        &self,
        capability: Capability,
        asked: impl Fn() -> String,
        line: impl Fn() -> String,
        allows: impl Fn(&Grants) -> bool,
    ) -> Result<(), Denial> {
        match self.layers.iter().find(|(_, grants)| !allows(grants)) {
            None => Ok(()),
            Some((layer, _)) => Err(Denial {
                plugin: self.plugin.clone(),
                capability,
                asked: asked(),
                layer: *layer,
                line: line(),
            }),
        }
    }

    /// May this path be read?
    ///
    /// # Errors
    /// [`Denial`] naming the first layer that does not allow it.
    pub fn read_file(&self, path: &RelPath) -> Result<(), Denial> {
        let line = || format!("fs: {{ read: [{}] }}", quoted(path.as_str()));
        self.all(
            Capability::Fs,
            || format!("read {path}"),
            line,
            |g| g.fs.may_read(path),
        )
    }

    /// May this path be written?
    ///
    /// # Errors
    /// [`Denial`] naming the first layer that does not allow it.
    pub fn write_file(&self, path: &RelPath) -> Result<(), Denial> {
        let line = || format!("fs: {{ write: [{}] }}", quoted(path.as_str()));
        self.all(
            Capability::Fs,
            || format!("write {path}"),
            line,
            |g| g.fs.may_write(path),
        )
    }

    /// May this request be sent, and if so, may it go to a private address?
    ///
    /// # Errors
    /// [`Denial`] naming the first layer that does not allow it.
    pub fn fetch(&self, method: &str, url: &Url) -> Result<Reach, Denial> {
        let covering = |grants: &Grants, private: bool| {
            grants.http.iter().any(|g: &HttpGrant| {
                g.pattern.matches(method, url) && (!private || g.allows_private())
            })
        };
        let place = || {
            let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
            format!(
                "{}://{}{port}",
                url.scheme(),
                url.host_str().unwrap_or_default()
            )
        };
        let line = || format!("http: [\"{method} {}/**\"]", place());
        self.all(
            Capability::Http,
            || format!("{method} {}{}", place(), url.path()),
            line,
            |g| covering(g, false),
        )?;
        // The manifest's author cannot know the user's network; the people who grant say whether it may be reached,
        // and where nobody granted anything it may not.
        let mut granting = self
            .layers
            .iter()
            .filter(|(layer, _)| *layer != Layer::Manifest)
            .peekable();
        let granted = granting.peek().is_some();
        Ok(if granted && granting.all(|(_, g)| covering(g, true)) {
            Reach::Anywhere
        } else {
            Reach::PublicOnly
        })
    }

    /// The denial for a name that leads to an address which is not public.
    pub fn private_address(&self, method: &str, url: &Url) -> Denial {
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
        Denial {
            plugin: self.plugin.clone(),
            capability: Capability::Http,
            asked: format!(
                "{method} {}://{host}{port} (an address that is not public)",
                url.scheme()
            ),
            layer: Layer::Spec,
            line: format!(
                "http: [{{ allow: \"{method} {}://{host}{port}/**\", private: true }}]",
                url.scheme()
            ),
        }
    }

    /// Is this secret granted?
    pub fn has_secret(&self, name: &str) -> bool {
        self.layers
            .iter()
            .all(|(_, grants)| grants.secrets.names(name))
    }

    /// Do the operator's policy and the stage leave room for a secret that the spec itself puts into a request to this
    /// URL? Where either of them says what may be granted, it must name the secret and the host.
    pub fn leaves_room_for(&self, name: &str, url: &Url) -> bool {
        self.layers
            .iter()
            .filter(|(layer, _)| matches!(layer, Layer::Policy | Layer::Stage))
            .all(|(_, grants)| grants.secrets.covers(name, url))
    }

    /// The secrets that go along with a request to this URL, with the header that carries each.
    pub fn secrets_for<'a>(&'a self, url: &Url) -> Vec<(&'a str, &'a SecretGrant)> {
        // Whoever wrote the plugin asks. Where a secret goes, and in which header, is for those to say who have it.
        let granting = |layer: Layer| layer != Layer::Manifest;
        let granted = self.layers.iter().filter(|(layer, _)| granting(*layer));
        let details = granted.rev().flat_map(|(_, grants)| {
            grants
                .secrets
                .iter_names()
                .into_iter()
                .filter_map(|name| Some((name, grants.secrets.get(name)?)))
        });
        let mut chosen: Vec<(&str, &SecretGrant)> = Vec::new();
        for (name, grant) in details {
            let known = chosen.iter().any(|(other, _)| *other == name);
            if !known
                && self.layers.iter().all(|(layer, grants)| {
                    let says = !granting(*layer) || grants.secrets.get(name).is_some();
                    says && grants.secrets.covers(name, url)
                })
            {
                chosen.push((name, grant));
            }
        }
        chosen
    }

    /// How long what the plugin keeps lasts: the shortest that any layer says.
    ///
    /// # Errors
    /// [`Denial`] naming the first layer that does not allow `kv` at all.
    pub fn kv(&self) -> Result<KvScope, Denial> {
        self.all(
            Capability::Kv,
            || "a store of its own".into(),
            || {
                if self.asks_for_workflow() {
                    "kv: workflow"
                } else {
                    "kv: run"
                }
                .to_owned()
            },
            |g| g.kv.is_some(),
        )?;
        Ok(self
            .layers
            .iter()
            .filter_map(|(_, grants)| grants.kv)
            .min()
            .unwrap_or(KvScope::Run))
    }

    /// Does the manifest want to keep things from run to run?
    fn asks_for_workflow(&self) -> bool {
        let manifest = self.layers.first().map(|(_, grants)| grants);
        manifest.is_some_and(|grants| grants.kv == Some(KvScope::Workflow))
    }

    /// May this tool be called?
    ///
    /// # Errors
    /// [`Denial`] naming the first layer that does not allow it.
    pub fn call_tool(&self, tool: &str) -> Result<(), Denial> {
        let line = || format!("tools: [{}]", quoted(tool));
        self.all(
            Capability::Tool,
            || tool.to_owned(),
            line,
            |g| g.tools.iter().any(|name| name.as_str() == tool),
        )
    }
}

/// A text as one value of YAML and TOML alike: whatever a guest asked for, the line that is suggested grants that and
/// nothing more.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// How far a granted request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses.
    PublicOnly,
    /// To any address that the name has.
    Anywhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(layers: &[&str]) -> Rights {
        let parse = |text: &str| serde_json::from_str::<Grants>(text).unwrap();
        let mut all = Rights::new(PluginName::new("p").unwrap(), parse(layers[0]));
        for (layer, text) in [Layer::Spec, Layer::Policy, Layer::Stage]
            .into_iter()
            .zip(&layers[1..])
        {
            all = all.narrowed(layer, parse(text));
        }
        all
    }

    #[test]
    fn a_right_needs_every_layer() {
        let path = RelPath::new("data/x").unwrap();
        assert!(
            rights(&[r#"{"fs":{"read":["."]}}"#, r#"{"fs":{"read":["data"]}}"#])
                .read_file(&path)
                .is_ok()
        );
        let denial = rights(&[r#"{"fs":{"read":["."]}}"#, r#"{"fs":{"read":["other"]}}"#])
            .read_file(&path)
            .unwrap_err();
        assert_eq!(denial.layer, Layer::Spec);
        assert!(
            denial.hint().contains("fs: { read: [\"data/x\"] }"),
            "{}",
            denial.hint()
        );
        let denial = rights(&["{}", r#"{"fs":{"read":["."]}}"#])
            .read_file(&path)
            .unwrap_err();
        assert_eq!(denial.layer, Layer::Manifest);
    }

    #[test]
    fn adding_a_layer_never_allows_what_was_refused() {
        let grants = ["{}", r#"{"tools":["a"]}"#, r#"{"tools":["a","b"]}"#];
        for first in grants {
            for second in grants {
                let (one, two) = (rights(&[first]), rights(&[first, second]));
                for tool in ["a", "b", "c"] {
                    assert!(
                        one.call_tool(tool).is_ok() || two.call_tool(tool).is_err(),
                        "{first} {second} {tool}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_manifest_that_says_private_does_not_open_the_network_of_whoever_runs_it() {
        let url = Url::parse("https://intranet.corp/x").unwrap();
        let manifest = r#"{"http":[{"allow":"GET https://intranet.corp/**","private":true}]}"#;
        let spec = r#"{"http":["GET https://intranet.corp/**"]}"#;
        assert_eq!(
            rights(&[manifest, spec]).fetch("GET", &url),
            Ok(Reach::PublicOnly)
        );
        assert_eq!(
            rights(&[manifest, manifest]).fetch("GET", &url),
            Ok(Reach::Anywhere)
        );
    }

    #[test]
    fn what_a_manifest_alone_says_reaches_no_private_place() {
        let url = Url::parse("http://127.0.0.1/x").unwrap();
        let alone = rights(&[r#"{"http":["GET http://127.0.0.1/**"]}"#]);
        assert_eq!(alone.fetch("GET", &url), Ok(Reach::PublicOnly));
    }

    #[test]
    fn a_refusal_suggests_what_was_asked_and_no_more() {
        let path = RelPath::new(r#"x", "."#).unwrap();
        let line = rights(&["{}"]).read_file(&path).unwrap_err().line;
        assert_eq!(line, r#"fs: { read: ["x\", \"."] }"#);
        assert_eq!(
            rights(&["{}"]).call_tool("a").unwrap_err().line,
            r#"tools: ["a"]"#
        );
        assert_eq!(
            rights(&[r#"{"kv":"workflow"}"#, "{}"])
                .kv()
                .unwrap_err()
                .line,
            "kv: workflow"
        );
    }

    #[test]
    fn a_policy_or_a_stage_that_does_not_name_a_secret_leaves_no_room_for_it() {
        let url = Url::parse("https://a.com/").unwrap();
        let named = r#"{"secrets":{"KEY":{"hosts":["a.com"]}}}"#;
        let elsewhere = r#"{"secrets":{"KEY":{"hosts":["b.com"]}}}"#;
        let open = |layers: &[&str]| rights(layers).leaves_room_for("KEY", &url);
        assert!(open(&["{}", "{}"]));
        assert!(open(&["{}", "{}", named, named]));
        for layers in [
            ["{}", "{}", "{}", named],
            ["{}", "{}", named, "{}"],
            ["{}", "{}", named, elsewhere],
        ] {
            assert!(!open(&layers), "{layers:?}");
        }
    }

    #[test]
    fn a_secret_goes_where_every_layer_says_in_the_header_of_the_innermost() {
        let manifest = r#"{"secrets":["KEY","OTHER"]}"#;
        let spec = r#"{"secrets":{"KEY":{"hosts":["a.com"],"header":"X-Key: {}"}}}"#;
        let rights = rights(&[manifest, spec]);
        let chosen = rights.secrets_for(&Url::parse("https://a.com/").unwrap());
        assert_eq!(
            chosen
                .iter()
                .map(|(name, grant)| (*name, grant.header.name()))
                .collect::<Vec<_>>(),
            [("KEY", "x-key")]
        );
        assert!(
            rights
                .secrets_for(&Url::parse("https://b.com/").unwrap())
                .is_empty()
        );
        assert!(rights.has_secret("KEY") && !rights.has_secret("OTHER"));
    }

    #[test]
    fn a_manifest_does_not_say_where_a_secret_goes() {
        let url = Url::parse("https://author.com/").unwrap();
        let manifest = r#"{"secrets":{"KEY":{"hosts":["author.com"]}}}"#;
        let named = r#"{"secrets":["KEY"]}"#;
        let placed = r#"{"secrets":{"KEY":{"hosts":["author.com"]}}}"#;
        let goes = |layers: &[&str]| !rights(layers).secrets_for(&url).is_empty();
        assert!(goes(&[manifest, placed]));
        assert!(!goes(&[manifest]), "asked for and never granted");
        assert!(!goes(&[manifest, named]), "granted without a host");
        assert!(!goes(&[manifest, placed, named]), "in the policy, too");
    }
}
