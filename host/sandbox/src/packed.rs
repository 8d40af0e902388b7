//! Components that are part of the program and too large to be looked at whenever it starts.
//!
//! Such a component is compressed, and what everybody asks about a plugin (what it exports, which tools it has, its
//! digest) is written down beside it, so that a run which does not call it pays nothing for it. What is written down is
//! ours like the component itself; a test asks the component and compares. The bytes that come out of the compressed
//! ones are used only when they have the digest that is written down.

use std::{io::Read as _, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Digest, definition::ToolDefinition, error::LoadError, preflight::Shape};

/// What is written down about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Digest of the component, unpacked.
    pub digest: Digest,
    /// Its size, unpacked.
    pub size: usize,
    /// Whether it is an adapter too.
    pub adapter: bool,
    /// Names of the interfaces it imports.
    pub imports: Vec<String>,
    /// Its tools.
    pub tools: Vec<ToolDefinition>,
}

impl About {
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            tool: !self.tools.is_empty(),
            adapter: self.adapter,
            rule: false,
            typed: Vec::new(),
            imports: self.imports.clone(),
            manifest: None,
        }
    }
}

/// The bytes of a component: there, or to be unpacked when they are needed.
#[derive(Clone)]
pub(crate) enum Code {
    Plain(Arc<[u8]>),
    Packed { bytes: &'static [u8], size: usize },
}

impl Code {
    /// The size of the component.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Packed { size, .. } => *size,
        }
    }

    /// The bytes. Unpacking takes a moment: not for the scheduler's threads.
    pub(crate) fn bytes(&self, plugin: &str, digest: &Digest) -> Result<Arc<[u8]>, LoadError> {
        let (packed, size) = match self {
            Self::Plain(bytes) => return Ok(Arc::clone(bytes)),
            Self::Packed { bytes, size } => (*bytes, *size),
        };
        let damaged = |why: String| LoadError::NotAComponent {
            plugin: plugin.to_owned(),
            why: format!("its compressed bytes are damaged ({why}); build armature again"),
        };
        let mut unpacked = Vec::with_capacity(size);
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed)
            .map_err(|error| damaged(error.to_string()))?;
        decoder
            .by_ref()
            .take(size as u64 + 1)
            .read_to_end(&mut unpacked)
            .map_err(|error| damaged(error.to_string()))?;
        if Digest::of(&[&unpacked]) != *digest {
            return Err(damaged("another digest than is written down".to_owned()));
        }
        Ok(unpacked.into())
    }
}
