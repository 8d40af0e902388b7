//! `armature-plugin-embed COMPONENT [--wit DIR] [--manifest FILE]`: puts into a component what its compiler leaves out.
//!
//! Compilers drop the comments of WIT, which is where a plugin with typed exports has its descriptions; they go into
//! the section `package-docs` that WIT tools read. The manifest goes into `armature:manifest`, so that a plugin is one
//! file. Both are appended: the code is not touched. A component that has the section already is refused, because
//! a reader would have to choose.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool of the build: reading and writing the named files is all it does"
)]

use std::{env, fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use wasm_encoder::{ComponentSection, CustomSection};
use wit_parser::{PackageMetadata, Resolve};

/// Where the host looks for a manifest.
const MANIFEST_SECTION: &str = "armature:manifest";
/// What a decoded component's only world is called, whatever its author called it.
const DECODED_WORLD: &str = "root";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: armature-plugin-embed COMPONENT [--wit DIR] [--manifest FILE]";
    let path = arguments.next().context(usage)?;
    let mut component = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    while let Some(flag) = arguments.next() {
        let value = arguments.next().context(usage)?;
        let (name, data) = match flag.as_str() {
            "--wit" => (
                PackageMetadata::SECTION_NAME,
                documentation(Path::new(&value))?,
            ),
            "--manifest" => (
                MANIFEST_SECTION,
                fs::read(&value).with_context(|| format!("cannot read {value}"))?,
            ),
            other => bail!("unknown flag `{other}`; {usage}"),
        };
        append(&mut component, name, data)?;
    }
    fs::write(&path, component).with_context(|| format!("cannot write {path}"))
}

/// The comments of the one world of a WIT package, in the form of the section.
fn documentation(directory: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve::new();
    let (id, _) = resolve.push_path(directory)?;
    let package = &mut resolve.packages[id];
    ensure!(
        package.worlds.len() == 1,
        "{} has {} worlds, not one",
        directory.display(),
        package.worlds.len()
    );
    let world = package
        .worlds
        .values()
        .next()
        .copied()
        .context("no world")?;
    package.worlds = [(DECODED_WORLD.to_owned(), world)].into_iter().collect();
    // A decoded component's own package has no interfaces, and a reader refuses comments on what is not there.
    package.interfaces.clear();
    PackageMetadata::extract(&resolve, id).encode()
}

fn append(component: &mut Vec<u8>, name: &str, data: Vec<u8>) -> Result<()> {
    ensure!(
        component.starts_with(b"\0asm\x0d\0\x01\0"),
        "this is not a component"
    );
    let mut header = vec![u8::try_from(name.len())?];
    header.extend(name.bytes());
    ensure!(
        !component
            .windows(header.len())
            .any(|window| window == header),
        "the component has a `{name}` section"
    );
    CustomSection {
        name: name.into(),
        data: data.into(),
    }
    .append_to_component(component);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn comments_are_kept_under_the_name_that_a_reader_finds() {
        let directory = env::temp_dir().join(format!("armature-embed-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let wit = "package a:b;\n/// World.\nworld w {\n/// Twice.\nexport twice: func(n: u32) -> u32;\n}\n";
        fs::write(directory.join("w.wit"), wit).unwrap();
        let data = documentation(&directory).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        let text = String::from_utf8(data).unwrap();
        assert!(
            text.contains("\"root\"") && text.contains("Twice."),
            "{text}"
        );
    }

    #[test]
    fn a_section_is_appended_once() {
        let mut component = EMPTY.to_vec();
        append(&mut component, MANIFEST_SECTION, b"name = \"x\"".to_vec()).unwrap();
        assert_eq!(&component[..8], EMPTY);
        assert_eq!(component[8], 0, "a custom section");
        assert!(append(&mut component, MANIFEST_SECTION, Vec::new()).is_err());
        assert!(
            append(
                &mut b"\0asm\x01\0\0\0".to_vec(),
                MANIFEST_SECTION,
                Vec::new()
            )
            .is_err()
        );
    }
}
