//! The plugins that are there: those in the plugin directories and the built-in ones.
//!
//! Directories are searched in order, and a name that was found is not replaced: neither a later directory nor any
//! file takes the place of a built-in. A file that cannot be read as a plugin stops nobody who does not need it; it is
//! kept as a problem and told to whoever names the plugin.

use std::{path::PathBuf, sync::Arc};

use armature_grants::PluginName;
use armature_sandbox::{LoadError, Plugin, Sandbox, discover};
use indexmap::IndexMap;

use crate::files;

/// A plugin that comes with armature.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    /// The component.
    pub wasm: &'static [u8],
    /// Its manifest.
    pub manifest: &'static str,
    /// What is written down about it, where the component is compressed (zstd): see [`armature_sandbox::About`].
    pub about: Option<&'static str>,
}

/// A file in a plugin directory that is not used, and why.
#[derive(Debug, Clone)]
pub struct PluginProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// Every plugin that a spec can name.
#[derive(Debug)]
pub struct PluginSet {
    plugins: IndexMap<PluginName, Arc<Plugin>>,
    builtins: Vec<PluginName>,
    problems: Vec<PluginProblem>,
}

impl PluginSet {
    /// Reads the built-ins and then the directories, in order. Nothing is compiled.
    pub(crate) fn read(
        sandbox: &Sandbox,
        builtins: &[Builtin],
        dirs: &[PathBuf],
    ) -> Result<Self, LoadError> {
        let mut set = Self {
            plugins: IndexMap::new(),
            builtins: Vec::new(),
            problems: Vec::new(),
        };
        for builtin in builtins {
            let plugin = match builtin.about {
                Some(about) => sandbox.packed(builtin.wasm, about, builtin.manifest)?,
                None => sandbox.builtin(builtin.wasm, builtin.manifest)?,
            };
            set.builtins.push(plugin.name().clone());
            set.plugins.insert(plugin.name().clone(), plugin);
        }
        for dir in dirs.iter().filter(|dir| files::is_dir(dir)) {
            match discover(dir) {
                Ok(paths) => paths.into_iter().for_each(|path| set.add(sandbox, path)),
                Err(error) => set.problems.push(PluginProblem {
                    path: dir.clone(),
                    why: error.to_string(),
                }),
            }
        }
        Ok(set)
    }

    fn add(&mut self, sandbox: &Sandbox, path: PathBuf) {
        let plugin = match sandbox.read(&path) {
            Ok(plugin) => plugin,
            Err(error) => {
                return self.problems.push(PluginProblem {
                    path,
                    why: error.to_string(),
                });
            }
        };
        match self.plugins.get(plugin.name()) {
            None => {
                self.plugins.insert(plugin.name().clone(), plugin);
            }
            Some(first) if first.digest() == plugin.digest() => {}
            Some(_) => {
                let by = if self.is_builtin(plugin.name()) {
                    "built in"
                } else {
                    "found in an earlier directory"
                };
                let why = format!(
                    "a plugin named `{}` is {by}; give this one another name",
                    plugin.name()
                );
                self.problems.push(PluginProblem { path, why });
            }
        }
    }

    /// The plugin of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(name)
    }

    /// All of them: built-ins first, then in the order of the directories.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plugins.keys().map(PluginName::as_str)
    }

    /// Does it come with armature?
    pub fn is_builtin(&self, name: &PluginName) -> bool {
        self.builtins.contains(name)
    }

    /// Files that are not used, and why.
    pub fn problems(&self) -> &[PluginProblem] {
        &self.problems
    }

    /// What is known of a plugin that is not there: a file of that name that could not be read.
    pub(crate) fn why_missing(&self, name: &str) -> Option<String> {
        let of_name =
            |problem: &&PluginProblem| problem.path.file_stem().is_some_and(|stem| stem == name);
        self.problems
            .iter()
            .find(of_name)
            .map(|problem| format!("`{}`: {}", problem.path.display(), problem.why))
    }
}
