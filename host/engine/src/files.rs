//! Every file that the engine itself reads: specs of subagents, skills, scripts of scripted models.
//!
//! Paths in a spec are looked for beside the spec first and in the working directory second, as specs written for
//! the original expect. Sizes are bounded, and errors name the path. What tools read and write is the sandbox's
//! business and never comes here.

#![expect(
    clippy::disallowed_methods,
    reason = "the one module of this crate that opens files"
)]

use armature_sandbox::Digest;
use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

/// Largest text read, in bytes: a skill is a page or two of a prompt.
const MAX_TEXT: u64 = 1 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {why}", path.display())]
pub(crate) struct FileError {
    path: PathBuf,
    why: String,
}

/// The file that a spec means by `path`. It need not exist: then the error of opening it names the first place.
pub(crate) fn beside(spec: &str, path: &str) -> PathBuf {
    let path = Path::new(path);
    let beside = Path::new(spec)
        .parent()
        .map_or_else(|| path.to_owned(), |dir| dir.join(path));
    if !beside.exists() && path.exists() {
        path.to_owned()
    } else {
        beside
    }
}

/// A file in the directory of another one or below it, links followed: what a spec that came from elsewhere may name.
/// The path is the one that was written: whoever replaces a link on the way replaces the file.
pub(crate) fn inside(spec: &str, path: &str) -> Result<PathBuf, FileError> {
    let dir = match Path::new(spec).parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let named = dir.join(path);
    let fail = |why: String| FileError {
        path: PathBuf::from(path),
        why,
    };
    let file = named
        .canonicalize()
        .map_err(|error| fail(error.to_string()))?;
    let dir = dir
        .canonicalize()
        .map_err(|error| fail(error.to_string()))?;
    if file.starts_with(&dir) {
        Ok(named)
    } else {
        Err(fail(format!("it is not in `{}`", dir.display())))
    }
}

/// A file that a spec names for its own texts: in the spec's directory or in the working directory, or below them. A spec
/// that came from elsewhere puts no other file of this machine into a prompt.
pub(crate) fn of_spec(spec: &str, path: &str) -> Result<PathBuf, FileError> {
    inside(spec, path).or_else(|first| inside("", path).map_err(|_| first))
}

/// The text of a file of the author's.
pub(crate) fn text(path: &Path) -> Result<String, FileError> {
    let fail = |why: String| FileError {
        path: path.to_owned(),
        why,
    };
    // Looked at before it is opened: opening a pipe waits for whoever writes into it.
    let meta = fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if !meta.is_file() {
        return Err(fail("not a regular file".to_owned()));
    }
    let mut text = String::new();
    // One more than may be: a file can grow while it is read.
    fs::File::open(path)
        .and_then(|file| file.take(MAX_TEXT + 1).read_to_string(&mut text))
        .map_err(|error| fail(error.to_string()))?;
    if text.len() as u64 > MAX_TEXT {
        return Err(fail(format!("more than {MAX_TEXT} bytes")));
    }
    Ok(text)
}

/// A path that names one file, however it is written: what tells whether two subagents are the same spec.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Every place at which a path can be changed: each link on the way to it, and where it leads. Who replaces the link
/// replaces what is read through it.
pub(crate) fn places(path: &Path) -> Vec<PathBuf> {
    /// More links are a circle.
    const LINKS: usize = 40;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut todo: Vec<OsString> = Vec::new();
    let add = |todo: &mut Vec<OsString>, path: &Path| {
        let names = path.components().rev();
        todo.extend(names.map(|name| name.as_os_str().to_owned()));
    };
    add(&mut todo, &whole);
    let (mut places, mut at) = (Vec::new(), PathBuf::new());
    while let Some(name) = todo.pop() {
        let next = at.join(&name);
        if Path::new(&name) == Path::new("..") {
            at.pop();
        } else if let Some(target) = next.read_link().ok().filter(|_| places.len() < LINKS) {
            places.push(next);
            // A target from the root replaces what there was: `join` sees to that.
            add(&mut todo, &target);
        } else {
            at = next;
        }
    }
    places.push(absolute(path));
    places
}

/// Where a path leads that need not exist: the nearest directory that does is made canonical, and what is missing is
/// added. A link that leads nowhere yet is followed too, for tomorrow it may lead somewhere.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    /// Links followed by hand; a longer chain is a circle.
    const LINKS: usize = 40;
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut missing, mut links, mut up) = (Vec::new(), 0, 0usize);
    loop {
        if let Ok(there) = path.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(there, |place, name| place.join(name));
        }
        let Some(parent) = path.parent().map(Path::to_owned) else {
            return path;
        };
        match path.components().next_back() {
            Some(Component::ParentDir) => up += 1,
            Some(_) if up > 0 => up -= 1,
            Some(Component::Normal(name)) => {
                if let Some(target) = path.read_link().ok().filter(|_| links < LINKS) {
                    links += 1;
                    path = parent.join(target);
                    continue;
                }
                missing.push(name.to_owned());
            }
            _ => {}
        }
        path = parent;
    }
}

/// Makes armature's own directory, for its owner alone.
pub(crate) fn make_home(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }
    #[cfg(not(unix))]
    fs::create_dir_all(path)
}

/// A file that a run left.
pub(crate) struct Left {
    /// From the directory that was looked at, with `/` between names.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// None for a file that is too large to be read for it.
    pub(crate) digest: Option<String>,
}

/// The files in a directory and below it, so many at most, and whether those are all. Links are not followed.
pub(crate) fn below(root: &Path, most: usize) -> io::Result<(Vec<Left>, bool)> {
    /// Largest file that is read for its digest, in bytes.
    const MOST_READ: u64 = 64 << 20;
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                todo.push(path);
            } else if kind.is_file() {
                if found.len() >= most {
                    return Ok((found, false));
                }
                let bytes = entry.metadata()?.len();
                let content = (bytes <= MOST_READ).then(|| fs::read(&path)).transpose()?;
                let names = path.strip_prefix(root).unwrap_or(&path).components();
                let names: Vec<_> = names
                    .map(|name| name.as_os_str().to_string_lossy().into_owned())
                    .collect();
                found.push(Left {
                    path: names.join("/"),
                    bytes,
                    digest: content.map(|content| Digest::of(&[&content]).to_string()),
                });
            }
        }
    }
    Ok((found, true))
}

/// Writes a file of armature's own, all of it or nothing.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

/// Is there a directory of this name?
pub(crate) fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_yet_leads_where_it_will_lead() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::os::unix::fs::symlink("later/on", root.join("link")).unwrap();
        std::os::unix::fs::symlink("circle", root.join("circle")).unwrap();
        for (path, leads) in [
            ("plugins", "plugins"),
            ("a/b/../c", "a/c"),
            ("./x/./y", "x/y"),
            ("link/z", "later/on/z"),
            ("circle", "circle"),
        ] {
            assert_eq!(absolute(&root.join(path)), root.join(leads), "{path}");
        }
        assert_eq!(
            absolute(Path::new("nothing-of-this-name")),
            std::env::current_dir()
                .unwrap()
                .canonicalize()
                .unwrap()
                .join("nothing-of-this-name")
        );
    }

    #[cfg(unix)]
    #[test]
    fn every_link_on_the_way_to_a_file_is_a_place_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/a"), "").unwrap();
        std::os::unix::fs::symlink("real", root.join("dir")).unwrap();
        std::os::unix::fs::symlink("./real/../dir/a", root.join("a")).unwrap();
        std::os::unix::fs::symlink("round", root.join("round")).unwrap();
        assert_eq!(
            places(&root.join("a")),
            [root.join("a"), root.join("dir"), root.join("real/a")]
        );
        assert!(places(&root.join("round/x")).contains(&root.join("round")));
    }
}
