//! Compiled components on disk.
//!
//! What this directory holds is native code: loading it is running it. So a file is used only when a keyed MAC made
//! by this user vouches for it, the key and the files are readable by their owner alone, and the directory may not be
//! writable by anyone else. The name covers the component, the engine's version and settings, and the machine; anything
//! that does not fit, for whatever reason, is compiled again.
//!
//! A file of native code may have a hundred megabytes, and reading all of it takes longer than a call. Beside each lies its
//! seal: the MAC of its content, and, once that was checked, a MAC of which file it was (inode, size, times to the
//! nanosecond). A file that is still that one is mapped and not read; any write, by whatever name, changes its times, and
//! then the content is checked again, over the very bytes in memory that are used.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wasmtime::{Engine, component::Component};

use crate::{digest::Digest, files};

const MAC_BYTES: usize = 32;

/// The cache of one user.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; 32],
    engine: u64,
}

impl Cache {
    /// Opens the cache, making it if need be. `None`, with a line in the log, where it cannot be trusted or made.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Option<Self> {
        let opened = files::private_dir(dir).and_then(|()| key(&dir.join("key")));
        let key = opened
            .inspect_err(
                |why| tracing::warn!(dir = %dir.display(), %why, "compiled plugins are not cached"),
            )
            .ok()?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Some(Self {
            dir: dir.to_owned(),
            key,
            engine: hasher.finish(),
        })
    }

    fn path(&self, component: &Digest) -> PathBuf {
        self.dir
            .join(format!("{}-{:016x}.compiled", component.hex(), self.engine))
    }

    /// Vouches for content under the name of a component.
    fn mac(&self, component: &Digest, compiled: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = self.named(component)?;
        mac.update(b"content");
        mac.update(compiled);
        Some(mac)
    }

    fn named(&self, component: &Digest) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        // The name is part of what is vouched for: a file under another name is another file.
        mac.update(component.as_bytes());
        // Another version of this program may have checked other things before it compiled.
        mac.update(env!("CARGO_PKG_VERSION").as_bytes());
        mac.update(&self.engine.to_le_bytes());
        Some(mac)
    }

    /// Is there something under the name of this component? Whether it can be used is found out by loading it.
    pub(crate) fn holds(&self, component: &Digest) -> bool {
        let path = self.path(component);
        path.exists() && seal_path(&path).exists()
    }

    /// The compiled component, if it is there and nobody touched it.
    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<Component> {
        let path = self.path(component);
        let seal = files::read_own(&seal_path(&path))?;
        let (content, seen) = seal.split_at_checked(MAC_BYTES)?;
        let identity = files::identity(&path);
        if let Some(identity) = &identity
            && self.seen(component, identity)?.verify_slice(seen).is_ok()
            && let Some(mapped) = map(engine, &path)
            && files::identity(&path).as_ref() == Some(identity)
        {
            return Some(mapped);
        }
        let compiled = files::read_own(&path)?;
        let checked = self.mac(component, &compiled)?.verify_slice(content);
        checked.ok()?;
        let loaded = deserialize(engine, &compiled)?;
        // Only a file that was the same before it was read and after, and that has rested: within one tick of the file
        // system's clock a second write would not show.
        if let Some(identity) = identity.filter(files::Identity::has_rested)
            && files::identity(&path).as_ref() == Some(&identity)
        {
            self.write_seal(component, content, Some(&identity));
        }
        Some(loaded)
    }

    /// Vouches for a file of this identity under the name of a component: its content was checked.
    fn seen(&self, component: &Digest, identity: &files::Identity) -> Option<Hmac<Sha256>> {
        let mut mac = self.named(component)?;
        mac.update(b"seen");
        mac.update(&identity.bytes());
        Some(mac)
    }

    fn write_seal(&self, component: &Digest, content: &[u8], identity: Option<&files::Identity>) {
        let path = self.path(component);
        let seen = identity.and_then(|identity| self.seen(component, identity));
        let seen = seen.map(|mac| mac.finalize().into_bytes());
        let seen = seen.as_ref().map_or(&[][..], |mac| mac.as_slice());
        if let Err(why) = files::write_own(&seal_path(&path), &[content, seen]) {
            tracing::warn!(%why, "a compiled plugin could not be cached");
        }
    }

    /// Keeps a compiled component. A cache that cannot be written costs time, not the run.
    pub(crate) fn store(&self, component: &Digest, compiled: &Component) {
        let Ok(bytes) = compiled.serialize() else {
            return;
        };
        let Some(mac) = self.mac(component, &bytes) else {
            return;
        };
        let path = self.path(component);
        match files::write_own(&path, &[&bytes]) {
            Ok(()) => self.write_seal(component, &mac.finalize().into_bytes(), None),
            Err(why) => tracing::warn!(%why, "a compiled plugin could not be cached"),
        }
    }
}

fn seal_path(path: &Path) -> PathBuf {
    path.with_extension("seal")
}

/// The user's key, made on first use.
fn key(path: &Path) -> std::io::Result<[u8; 32]> {
    let existing = || files::read_own(path).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if let Some(key) = existing() {
        return Ok(key);
    }
    files::write_own(path, &[&rand::random::<[u8; 32]>()])?;
    // Two processes may have made one at the same time; both use the one that stayed.
    existing().ok_or_else(|| std::io::Error::other("the key of the cache cannot be read back"))
}

#[expect(unsafe_code, reason = "the one place where compiled code is trusted")]
fn deserialize(engine: &Engine, compiled: &[u8]) -> Option<Component> {
    // SAFETY: `Component::deserialize` requires bytes that `Component::serialize` of a compatible engine made. The MAC,
    // keyed with a secret of this user and checked over this very buffer, says that this program wrote them; the
    // engine's compatibility hash is part of what the MAC covers, and wasmtime checks its own header again.
    unsafe { Component::deserialize(engine, compiled) }.ok()
}

#[expect(unsafe_code, reason = "the one place where compiled code is trusted")]
fn map(engine: &Engine, path: &Path) -> Option<Component> {
    // SAFETY: as above. That the file has the bytes that were checked is what its seal says of its identity; the caller
    // looks at that before and after. It is never written in place: another takes its name.
    unsafe { Component::deserialize_file(engine, path) }.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> (tempfile::TempDir, Engine, Cache, Digest, Component) {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let cache = Cache::open(&dir.path().join("cache"), &engine).unwrap();
        let component = Component::new(&engine, wat::parse_str("(component)").unwrap()).unwrap();
        (dir, engine, cache, Digest::of(&[b"component"]), component)
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let (_dir, engine, cache, digest, component) = fixture();
        assert!(cache.load(&engine, &digest).is_none());
        cache.store(&digest, &component);
        assert!(cache.load(&engine, &digest).is_some());
    }

    #[test]
    fn one_changed_byte_means_that_it_is_compiled_again() {
        let (_dir, engine, cache, digest, component) = fixture();
        cache.store(&digest, &component);
        let path = cache.path(&digest);
        for path in [path.clone(), seal_path(&path)] {
            let bytes = files::read_own(&path).unwrap();
            for at in [0, bytes.len() - 1] {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                files::write_own(&path, &[&changed]).unwrap();
                assert!(cache.load(&engine, &digest).is_none(), "byte {at}");
            }
            files::write_own(&path, &[&bytes[..MAC_BYTES - 1]]).unwrap();
            assert!(cache.load(&engine, &digest).is_none(), "cut short");
            files::write_own(&path, &[&bytes]).unwrap();
        }
        assert!(cache.load(&engine, &digest).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_checked_is_not_read_again_until_it_is_another() {
        let (_dir, engine, cache, digest, component) = fixture();
        cache.store(&digest, &component);
        let path = cache.path(&digest);
        let identity = files::identity(&path).unwrap();
        let content = files::read_own(&seal_path(&path)).unwrap();
        cache.write_seal(&digest, &content[..MAC_BYTES], Some(&identity));
        let seal = files::read_own(&seal_path(&path)).unwrap();
        assert_eq!(seal.len(), 2 * MAC_BYTES);
        assert!(cache.load(&engine, &digest).is_some());
        // The same name, size and date, and other code.
        let mut other = files::read_own(&path).unwrap();
        let last = other.len() - 1;
        other[last] ^= 1;
        let date = std::fs::symlink_metadata(&path)
            .unwrap()
            .modified()
            .unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| {
                std::io::Write::write_all(&mut file, &other)?;
                file.set_modified(date)
            })
            .unwrap();
        assert!(cache.load(&engine, &digest).is_none());
    }

    #[test]
    fn a_good_file_under_another_name_is_not_used() {
        let (_dir, engine, cache, digest, component) = fixture();
        cache.store(&digest, &component);
        let other = Digest::of(&[b"other"]);
        for of in [|path: &Path| path.to_owned(), seal_path] {
            let bytes = files::read_own(&of(&cache.path(&digest))).unwrap();
            files::write_own(&of(&cache.path(&other)), &[&bytes]).unwrap();
        }
        assert!(cache.load(&engine, &other).is_none());
    }

    #[test]
    fn a_cache_made_with_another_key_is_not_used() {
        let (_dir, engine, cache, digest, component) = fixture();
        cache.store(&digest, &component);
        files::write_own(&cache.dir.join("key"), &[&[7; 32]]).unwrap();
        assert!(
            Cache::open(&cache.dir, &engine)
                .unwrap()
                .load(&engine, &digest)
                .is_none()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_may_write_to_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, engine, cache, ..) = fixture();
        std::fs::set_permissions(&cache.dir, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(&cache.dir, &engine).is_none());
    }
}
