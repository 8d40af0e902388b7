//! What a process sees of a workspace: the grants of a call as mounts of a container.
//!
//! A component asks for each file and is answered by name. A process in a container asks its kernel, so what it may not
//! have must not be there, or not be writable. Each directory that the rights name is one mount; over it lie mounts for
//! what belongs to the host: hidden, or readable and no more. What belongs to the host and is not there yet cannot be
//! covered: it is looked for afterwards, and set aside ([`View::sweep`]).
//!
//! Names like `.git` are looked for directly below each directory that is granted, not in every directory below it.

use std::io;

use armature_grants::{PathRule, RelPath, Rights};

use super::{FileError, Workspace, is_reserved, is_under_in_any_spelling};

/// How a process sees a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// As it is, and may change it.
    Writable,
    /// As it is.
    ReadOnly,
    /// As an empty directory.
    EmptyDirectory,
    /// As an empty file.
    EmptyFile,
}

/// A place and how it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) path: RelPath,
    pub(crate) seen: Seen,
}

/// All that a process sees.
#[derive(Debug)]
pub(crate) struct View {
    /// Outermost first.
    pub(crate) mounts: Vec<Mount>,
    /// Places of the host at which nothing is.
    absent: Vec<RelPath>,
}

impl Workspace {
    /// What a process with these rights sees.
    ///
    /// # Errors
    /// [`FileError`], with the path that it is about: a granted place that is not there, is a link, or belongs to the
    /// host.
    pub(crate) fn view(&self, rights: &Rights) -> Result<View, (RelPath, FileError)> {
        let mut view = View {
            mounts: Vec::new(),
            absent: Vec::new(),
        };
        for root in granted(rights) {
            let at = |error| (root.clone(), error);
            let writable = rights.write_file(&root).is_ok();
            let covering = view.mounts.iter().rev().find(|m| root.is_under(&m.path));
            if covering.is_some_and(|m| m.seen == Seen::Writable || !writable) {
                continue;
            }
            self.check(&root, false).map_err(at)?;
            let Some(directory) = self.kind(&root).map_err(at)? else {
                return Err(at(FileError::NotFound));
            };
            let seen = if writable && self.check(&root, true).is_ok() {
                Seen::Writable
            } else {
                Seen::ReadOnly
            };
            view.mounts.push(Mount {
                path: root.clone(),
                seen,
            });
            if directory {
                self.cover(&root, seen, &mut view).map_err(at)?;
            }
        }
        // A mount over a place hides what was mounted below it before.
        view.mounts.sort_by_key(|mount| mount.path.names().count());
        Ok(view)
    }

    /// Covers what belongs to the host below a place that is seen.
    fn cover(&self, root: &RelPath, seen: Seen, view: &mut View) -> Result<(), FileError> {
        let named = |name: &str| RelPath::new(&format!("{root}/{name}")).ok();
        for entry in self.directory(root)?.entries()? {
            let Ok(name) = entry?.file_name().into_string() else {
                continue;
            };
            if is_reserved(&name, true) {
                let hidden = is_reserved(&name, false);
                self.hold(named(&name), hidden, seen, view)?;
            }
        }
        if seen == Seen::Writable {
            let usual = [".git", ".armature", "armature.lock"].map(named);
            for path in usual.into_iter().flatten() {
                if self.kind(&path)?.is_none() {
                    view.absent.push(path);
                }
            }
        }
        let below = |held: &&RelPath| is_under_in_any_spelling(held, root) && *held != root;
        for held in self.closed.iter().filter(below) {
            self.hold(Some(held.clone()), true, seen, view)?;
        }
        for held in self.read_only.iter().filter(below) {
            self.hold(Some(held.clone()), false, seen, view)?;
        }
        Ok(())
    }

    fn hold(
        &self,
        path: Option<RelPath>,
        hidden: bool,
        around: Seen,
        view: &mut View,
    ) -> Result<(), FileError> {
        let Some(path) = path else { return Ok(()) };
        let seen = match self.kind(&path)? {
            None if around == Seen::Writable => {
                view.absent.push(path);
                return Ok(());
            }
            None => return Ok(()),
            Some(true) if hidden => Seen::EmptyDirectory,
            Some(false) if hidden => Seen::EmptyFile,
            Some(_) if around == Seen::ReadOnly => return Ok(()),
            Some(_) => Seen::ReadOnly,
        };
        view.mounts.push(Mount { path, seen });
        Ok(())
    }

    /// Is it a directory? None where nothing is.
    fn kind(&self, path: &RelPath) -> Result<Option<bool>, FileError> {
        if path.names().next().is_none() {
            return Ok(Some(true));
        }
        let looked = self
            .walk(path, false)
            .and_then(|(dir, name)| Ok(dir.symlink_metadata(name)?));
        match looked {
            Ok(meta) if meta.is_dir() => Ok(Some(true)),
            Ok(meta) if meta.is_file() => Ok(Some(false)),
            Ok(_) => Err(FileError::NotAFile),
            Err(FileError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whose it is: user and group, for a process that works in it.
    #[cfg(unix)]
    pub(crate) fn owner(&self) -> io::Result<(u32, u32)> {
        use cap_std::fs::MetadataExt as _;
        let meta = self.root.dir_metadata()?;
        Ok((meta.uid(), meta.gid()))
    }

    /// Gives what is at a path another name beside it, and answers that name: whoever made it, nothing is lost.
    fn set_aside(&self, path: &RelPath) -> Result<String, FileError> {
        let (dir, name) = self.walk(path, false)?;
        let plain = name.trim_start_matches('.');
        let aside = format!("set-aside-{plain}-{:08x}", rand::random::<u32>());
        dir.rename(name, &dir, &aside)?;
        Ok(aside)
    }
}

impl View {
    /// Gives other names to what a process made in places of the host. Answers the first of them, and its other name.
    ///
    /// # Errors
    /// [`FileError`], where one of them could not be set aside.
    pub(crate) fn sweep(
        &self,
        workspace: &Workspace,
    ) -> Result<Option<(&RelPath, String)>, FileError> {
        let mut first = None;
        for path in &self.absent {
            // A link or a device is set aside as well.
            if !matches!(workspace.kind(path), Ok(None)) {
                let aside = workspace.set_aside(path)?;
                first = first.or(Some((path, aside)));
            }
        }
        Ok(first)
    }
}

/// The places that a call may read, outermost first. Writing does not include reading, and a mount always does: a place
/// that may only be written is not among them.
fn granted(rights: &Rights) -> Vec<RelPath> {
    let layers = rights.layers().iter();
    let mut roots: Vec<RelPath> = layers
        .flat_map(|(_, grants)| grants.fs.read.iter().chain(&grants.fs.write))
        .map(PathRule::root)
        .filter(|root| rights.read_file(root).is_ok())
        .cloned()
        .collect();
    roots.sort_by_key(|root| (root.names().count(), root.to_string()));
    roots.dedup();
    roots
}

#[cfg(test)]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "a test prepares its own files")]
mod tests {
    use std::os::unix::fs::symlink;

    use armature_grants::{Grants, Layer, PluginName};
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    fn rights(read: &[&str], write: &[&str]) -> Rights {
        let grants = |read: &[&str], write: &[&str]| -> Grants {
            serde_json::from_value(json!({"fs": {"read": read, "write": write}})).unwrap()
        };
        Rights::new(PluginName::new("shell").unwrap(), grants(&["."], &["."]))
            .narrowed(Layer::Spec, grants(read, write))
    }

    fn seen(view: &View) -> Vec<(&str, Seen)> {
        view.mounts
            .iter()
            .map(|mount| (mount.path.as_str(), mount.seen))
            .collect()
    }

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().unwrap();
        for name in [".git", "data", "out", "plugins", "home"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("spec.yml"), "").unwrap();
        let workspace = Workspace::open(dir.path(), vec![path("plugins"), path("spec.yml")])
            .unwrap()
            .closing(vec![path("home")]);
        (dir, workspace)
    }

    #[test]
    fn a_grant_is_a_mount_and_what_belongs_to_the_host_lies_under_another() {
        let (_dir, workspace) = workspace();
        let view = workspace.view(&rights(&["."], &["."])).unwrap();
        assert_eq!(
            seen(&view),
            [
                (".", Seen::Writable),
                (".git", Seen::EmptyDirectory),
                ("home", Seen::EmptyDirectory),
                ("plugins", Seen::ReadOnly),
                ("spec.yml", Seen::ReadOnly),
            ]
        );
        let view = workspace.view(&rights(&["."], &["out"])).unwrap();
        assert_eq!(seen(&view)[0], (".", Seen::ReadOnly));
        assert!(seen(&view).contains(&("out", Seen::Writable)));
        let view = workspace.view(&rights(&["data"], &[])).unwrap();
        assert_eq!(seen(&view), [("data", Seen::ReadOnly)]);
        let view = workspace.view(&rights(&[], &["out"])).unwrap();
        assert_eq!(seen(&view), [], "writing does not include reading");
    }

    #[test]
    fn a_granted_place_that_is_a_link_or_is_not_there_is_refused() {
        let (dir, workspace) = workspace();
        symlink("/etc", dir.path().join("link")).unwrap();
        let refused = workspace.view(&rights(&["link"], &[])).unwrap_err();
        assert_eq!(refused, (path("link"), FileError::NotAFile));
        let refused = workspace.view(&rights(&["nowhere"], &[])).unwrap_err();
        assert_eq!(refused, (path("nowhere"), FileError::NotFound));
        let refused = workspace.view(&rights(&["home/x"], &[])).unwrap_err();
        assert!(matches!(refused.1, FileError::Reserved(_)));
    }

    #[test]
    fn what_a_process_made_in_a_place_of_the_host_gets_another_name() {
        let (dir, workspace) = workspace();
        let view = workspace.view(&rights(&["."], &["."])).unwrap();
        assert_eq!(view.sweep(&workspace), Ok(None));
        std::fs::create_dir_all(dir.path().join(".armature/deep")).unwrap();
        symlink("/etc", dir.path().join("armature.lock")).unwrap();
        let (place, aside) = view.sweep(&workspace).unwrap().unwrap();
        assert_eq!(place.as_str(), ".armature");
        assert!(dir.path().join(aside).join("deep").exists());
        assert!(!dir.path().join(".armature").exists());
        assert!(dir.path().join("armature.lock").symlink_metadata().is_err());
        assert!(dir.path().join(".git").exists(), "that was there before");
    }
}
