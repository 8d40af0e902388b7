//! Compiled components on disk.
//!
//! What this directory holds is native code: loading it is running it. So a file is used only when a keyed MAC made
//! by this user vouches for it, the key and the files are readable by their owner alone, the directory may not be
//! writable by anyone else, and the bytes that are checked are the bytes that are used: they are read once into
//! memory. The name covers the component, the engine's version and settings, and the machine; anything that does not
//! fit, for whatever reason, is compiled again.

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

    fn mac(&self, component: &Digest, compiled: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        // The name is part of what is vouched for: a file under another name is another file.
        mac.update(component.as_bytes());
        // Another version of this program may have checked other things before it compiled.
        mac.update(env!("CARGO_PKG_VERSION").as_bytes());
        mac.update(&self.engine.to_le_bytes());
        mac.update(compiled);
        Some(mac)
    }

    /// Is there something under the name of this component? Whether it can be used is found out by loading it.
    pub(crate) fn holds(&self, component: &Digest) -> bool {
        self.path(component).exists()
    }

    /// The compiled component, if it is there and nobody touched it.
    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<Component> {
        let bytes = files::read_own(&self.path(component))?;
        let (mac, compiled) = bytes.split_at_checked(MAC_BYTES)?;
        self.mac(component, compiled)?.verify_slice(mac).ok()?;
        deserialize(engine, compiled)
    }

    /// Keeps a compiled component. A cache that cannot be written costs time, not the run.
    pub(crate) fn store(&self, component: &Digest, compiled: &Component) {
        let Ok(bytes) = compiled.serialize() else {
            return;
        };
        let Some(mac) = self.mac(component, &bytes) else {
            return;
        };
        let mac = mac.finalize().into_bytes();
        if let Err(why) = files::write_own(&self.path(component), &[&mac, &bytes]) {
            tracing::warn!(%why, "a compiled plugin could not be cached");
        }
    }
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
        let bytes = files::read_own(&path).unwrap();
        for at in [0, MAC_BYTES, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            files::write_own(&path, &[&changed]).unwrap();
            assert!(cache.load(&engine, &digest).is_none(), "byte {at}");
        }
        files::write_own(&path, &[&bytes[..MAC_BYTES - 1]]).unwrap();
        assert!(cache.load(&engine, &digest).is_none(), "cut short");
    }

    #[test]
    fn a_good_file_under_another_name_is_not_used() {
        let (_dir, engine, cache, digest, component) = fixture();
        cache.store(&digest, &component);
        let other = Digest::of(&[b"other"]);
        files::write_own(
            &cache.path(&other),
            &[&files::read_own(&cache.path(&digest)).unwrap()],
        )
        .unwrap();
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
