//! A plugin: bytes that were read once, their digest, their manifest, and (when first needed) the compiled component.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_grants::{Limits, PluginName};
use tokio::sync::OnceCell;
use wasmtime::component::InstancePre;

use crate::{
    bindings,
    definition::ToolDefinition,
    digest::Digest,
    error::LoadError,
    files,
    manifest::{MAX_MANIFEST, Manifest},
    packed::{About, Code},
    preflight::{self, Shape},
    state::State,
    typed::TypedFunction,
};

/// Where a plugin came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    Builtin,
    /// It was read from this file.
    File(PathBuf),
    /// Its tools are functions of the host: there is no component.
    Host,
}

/// What a plugin does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// It has tools: exports `tools`, or typed functions.
    pub tool: bool,
    /// It is an adapter.
    pub adapter: bool,
    /// It is a rule.
    pub rule: bool,
}

/// A plugin, ready to be compiled and called.
pub struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
    /// What names the compiled form: the component alone.
    pub(crate) code: Digest,
    pub(crate) shape: Shape,
    pub(crate) bytes: Code,
    pub(crate) prepared: OnceCell<Prepared>,
    pub(crate) tools: OnceCell<Arc<[ToolDefinition]>>,
    origin: Origin,
}

/// A compiled component with everything that can be looked up before there is an instance.
pub(crate) struct Prepared {
    pub(crate) pre: InstancePre<State>,
    pub(crate) tool: Option<bindings::tool::ToolExportsIndices>,
    pub(crate) adapter: Option<bindings::adapter::AdapterExportsIndices>,
    pub(crate) rule: Option<bindings::rule::RuleExportsIndices>,
    pub(crate) typed: Vec<TypedFunction>,
}

impl Plugin {
    /// Reads a plugin from a component file or from a directory with a `plugin.toml` in it.
    pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Self, LoadError> {
        let label = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let (wasm, beside) = locate(path, &label)?;
        let bytes =
            files::read_bounded(&wasm, limits.component)?.ok_or_else(|| LoadError::TooLarge {
                plugin: label.clone(),
                limit: armature_grants::LimitId::ComponentBytes,
                found: "more".into(),
                allowed: armature_grants::LimitId::ComponentBytes
                    .row()
                    .show(limits.component),
            })?;
        let stem = wasm
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self::new(bytes.into(), beside, &stem, Origin::File(wasm), limits)
    }

    /// A plugin that is part of the program.
    pub(crate) fn builtin(wasm: &[u8], manifest: &str, limits: &Limits) -> Result<Self, LoadError> {
        Self::new(
            wasm.into(),
            Some(manifest.to_owned()),
            "builtin",
            Origin::Builtin,
            limits,
        )
    }

    /// A plugin that is part of the program and compressed, with what is written down about it.
    pub(crate) fn packed(
        bytes: &'static [u8],
        about: &str,
        manifest: &str,
    ) -> Result<Self, LoadError> {
        let about: About = serde_json::from_str(about).map_err(|why| LoadError::Manifest {
            plugin: "builtin".to_owned(),
            why: format!("what is written down about it cannot be read: {why}"),
        })?;
        let shape = about.shape();
        Ok(Self {
            manifest: Manifest::parse("builtin", manifest)?,
            digest: Digest::of(&[about.digest.as_bytes(), manifest.as_bytes()]),
            code: about.digest,
            shape,
            bytes: Code::Packed {
                bytes,
                size: about.size,
            },
            prepared: OnceCell::new(),
            tools: OnceCell::new_with(Some(about.tools.into())),
            origin: Origin::Builtin,
        })
    }

    /// A plugin whose tools are functions of the host. Nothing of it can be called in a sandbox; what the host's own tools
    /// have in common with others is everything around a call.
    ///
    /// # Errors
    /// [`LoadError::Manifest`] when the manifest is none.
    pub fn of_host(manifest: &str, tools: Vec<ToolDefinition>) -> Result<Self, LoadError> {
        let listed = serde_json::to_string(&tools).unwrap_or_default();
        Ok(Self {
            manifest: Manifest::parse("host", manifest)?,
            digest: Digest::of(&[
                b"host",
                env!("CARGO_PKG_VERSION").as_bytes(),
                listed.as_bytes(),
                manifest.as_bytes(),
            ]),
            code: Digest::of(&[]),
            shape: Shape {
                tool: true,
                adapter: false,
                rule: false,
                typed: Vec::new(),
                imports: Vec::new(),
                manifest: None,
            },
            // No component: whoever would enter it fails.
            bytes: Code::Plain(Arc::from([])),
            prepared: OnceCell::new(),
            tools: OnceCell::new_with(Some(tools.into())),
            origin: Origin::Host,
        })
    }

    /// Are its tools functions of the host?
    pub fn is_of_host(&self) -> bool {
        self.origin == Origin::Host
    }

    fn new(
        bytes: Arc<[u8]>,
        beside: Option<String>,
        stem: &str,
        origin: Origin,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let shape = preflight::inspect(stem, &bytes, limits)?;
        let text = beside.or_else(|| shape.manifest.clone());
        let manifest = match &text {
            Some(text) => Manifest::parse(stem, text)?,
            None => {
                let name = PluginName::new(stem.to_ascii_lowercase());
                let why = |e: armature_grants::NameError| {
                    format!("the file's name is the plugin's name, and {e}")
                };
                Manifest::absent(name.map_err(|e| LoadError::Manifest {
                    plugin: stem.to_owned(),
                    why: why(e),
                })?)
            }
        };
        let code = Digest::of(&[&bytes]);
        // Over the component's digest instead of its bytes: they are hashed once.
        let digest = Digest::of(&[code.as_bytes(), text.unwrap_or_default().as_bytes()]);
        Ok(Self {
            manifest,
            digest,
            code,
            shape,
            bytes: Code::Plain(bytes),
            prepared: OnceCell::new(),
            tools: OnceCell::new(),
            origin,
        })
    }

    /// Is it large, part of the program, and unpacked when it is first called?
    pub fn is_packed(&self) -> bool {
        matches!(self.bytes, Code::Packed { .. })
    }

    /// Its name.
    pub fn name(&self) -> &PluginName {
        &self.manifest.name
    }

    /// Its version, for people.
    pub fn version(&self) -> &str {
        &self.manifest.version
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// The digest of its code and manifest: what is approved, pinned and recorded.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What its manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it does.
    pub fn kinds(&self) -> Kinds {
        Kinds {
            tool: self.shape.tool || !self.shape.typed.is_empty(),
            adapter: self.shape.adapter,
            rule: self.shape.rule,
        }
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The interfaces it imports.
    pub fn imports(&self) -> &[String] {
        &self.shape.imports
    }

    /// The size of the component, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.size()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", self.name())
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// The component file that a path means, and the manifest beside it.
fn locate(path: &Path, label: &str) -> Result<(PathBuf, Option<String>), LoadError> {
    let longest = MAX_MANIFEST as u64;
    if path.is_dir() {
        let manifest_path = path.join("plugin.toml");
        let text = files::read_text_if_there(&manifest_path, longest)?.ok_or_else(|| {
            LoadError::Manifest {
                plugin: label.to_owned(),
                why: "a plugin's directory has a plugin.toml in it, and this one has not".into(),
            }
        })?;
        let named = Manifest::parse(label, &text)?.component;
        let wasm = match named {
            // One name, no path: a manifest does not reach outside its directory.
            Some(name) if !name.contains(['/', '\\']) && name != ".." => path.join(name),
            Some(name) => {
                let why = format!(
                    "`component` is a file name beside the manifest, not `{}`",
                    name.escape_debug()
                );
                return Err(LoadError::Manifest {
                    plugin: label.to_owned(),
                    why,
                });
            }
            None => only_component(path, label)?,
        };
        return Ok((wasm, Some(text)));
    }
    let beside = path.with_extension("toml");
    Ok((
        path.to_owned(),
        files::read_text_if_there(&beside, longest)?,
    ))
}

fn is_component_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"))
}

fn only_component(dir: &Path, label: &str) -> Result<PathBuf, LoadError> {
    let mut found: Vec<PathBuf> = files::entries(dir)?
        .into_iter()
        .filter(|path| is_component_file(path))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (one, _) => {
            let why =
                match one {
                    None => "there is no .wasm file beside plugin.toml; build the plugin first"
                        .to_owned(),
                    Some(_) => "there are several .wasm files; name one with `component = \"…\"`"
                        .to_owned(),
                };
            Err(LoadError::Manifest {
                plugin: label.to_owned(),
                why,
            })
        }
    }
}

/// The plugins in a directory: `.wasm` files, and directories with a `plugin.toml`. Sorted by path; a directory that
/// is not there has none.
///
/// # Errors
/// [`LoadError::Unreadable`] when the directory cannot be listed.
pub fn discover(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let entries = files::entries(dir)?;
    Ok(entries
        .into_iter()
        .filter(|path| {
            if path.is_dir() {
                path.join("plugin.toml").is_file()
            } else {
                is_component_file(path)
            }
        })
        .collect())
}
