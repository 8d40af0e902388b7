//! What an archive is packed with: `gzip`, `bzip2` or nothing.

use std::io::{Read, Write};

use bzip2::{read::MultiBzDecoder, write::BzEncoder};
use flate2::{read::MultiGzDecoder, write::GzEncoder};

use super::super::options::Given;

/// How it is packed.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Packing {
    #[default]
    None,
    Gzip,
    Bzip2,
}

/// What takes an archive and packs it.
pub(super) enum Packer {
    None(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Bzip2(BzEncoder<Vec<u8>>),
}

/// Endings of names, for `-a`.
const ENDINGS: &[(&str, Packing)] = &[
    (".gz", Packing::Gzip),
    (".tgz", Packing::Gzip),
    (".taz", Packing::Gzip),
    (".bz2", Packing::Bzip2),
    (".tbz", Packing::Bzip2),
    (".tbz2", Packing::Bzip2),
    (".tz2", Packing::Bzip2),
];

/// Endings of what there is nothing for.
const OTHERS: &[&str] = &[".xz", ".txz", ".zst", ".tzst", ".lz", ".lzma", ".lzo", ".Z"];

/// What is said of those.
const MISSING: &str = "gzip (-z) and bzip2 (-j) are here, no other compression";

impl Packing {
    /// What the options, and with `-a` the name, ask for.
    pub(super) fn asked(given: &Given, archive: Option<&str>) -> Result<Self, String> {
        let name = archive.unwrap_or_default();
        match given.last_of("zjJa") {
            Some('z') => Ok(Self::Gzip),
            Some('j') => Ok(Self::Bzip2),
            Some('J') => Err(MISSING.to_owned()),
            Some(_) if OTHERS.iter().any(|ending| name.ends_with(ending)) => {
                Err(MISSING.to_owned())
            }
            Some(_) => {
                let mut endings = ENDINGS.iter();
                let found = endings.find(|(ending, _)| name.ends_with(ending));
                Ok(found.map_or(Self::None, |(_, packing)| *packing))
            }
            None => Ok(Self::None),
        }
    }

    /// What the first bytes say.
    pub(super) fn seen(content: &[u8]) -> Result<Self, String> {
        match content {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [b'B', b'Z', b'h', ..] => Ok(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Err(MISSING.to_owned())
            }
            _ => Ok(Self::None),
        }
    }

    /// The option that asks for it.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "-z",
            Self::Bzip2 => "-j",
        }
    }

    pub(super) fn packer(self) -> Packer {
        match self {
            Self::None => Packer::None(Vec::new()),
            Self::Gzip => {
                let level = flate2::Compression::default();
                Packer::Gzip(GzEncoder::new(Vec::new(), level))
            }
            Self::Bzip2 => {
                let level = bzip2::Compression::best();
                Packer::Bzip2(BzEncoder::new(Vec::new(), level))
            }
        }
    }

    /// What is in it, to be read from the beginning.
    pub(super) fn reader<'a>(self, content: &'a [u8]) -> Box<dyn Read + Send + 'a> {
        match self {
            Self::None => Box::new(content),
            Self::Gzip => Box::new(MultiGzDecoder::new(content)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(content)),
        }
    }
}

impl Packer {
    pub(super) fn end(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::None(content) => Ok(content),
            Self::Gzip(packer) => packer.finish(),
            Self::Bzip2(packer) => packer.finish(),
        }
    }
}

impl Write for Packer {
    fn write(&mut self, content: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::None(packed) => packed.write(content),
            Self::Gzip(packer) => packer.write(content),
            Self::Bzip2(packer) => packer.write(content),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
