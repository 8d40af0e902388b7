//! Texts as vectors: those of alike meaning point the same way.
//!
//! The weights are a folder that the operator puts into armature's home (`embedding/`, with `config.json`,
//! `tokenizer.json` and `model.safetensors` of a BERT of sentence-transformers, such as all-MiniLM-L6-v2). Nothing is
//! fetched, no spec names a path, and no text leaves the machine. What reads them is large and not for everybody: it is
//! part of a build with the feature `embeddings`, and of no other.

#[cfg(feature = "embeddings")]
mod bert;
#[cfg(feature = "embeddings")]
mod files;

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The folder with the weights in armature's home.
pub const DIRECTORY: &str = "embedding";

/// Makes vectors.
pub trait Embedder: Send + Sync + fmt::Debug {
    /// Names the weights: vectors of others say nothing about those of these.
    fn model(&self) -> &str;

    /// Numbers of a vector.
    fn dimensions(&self) -> usize;

    /// The vector of a text, of length 1. Of a long text the beginning decides: so many tokens as the weights were made
    /// for, and 256 at most. It works for milliseconds, and is called where that is allowed.
    ///
    /// # Errors
    /// [`EmbedError::Unusable`] when the weights do not fit together after all.
    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError>;
}

/// Why there are no vectors, though there are weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// This build makes none.
    #[error("`{}` has weights, but vectors are not part of this build", dir.display())]
    NotBuiltIn {
        /// The folder.
        dir: PathBuf,
    },
    /// A file cannot be read.
    #[error("the weights cannot be read: `{}`: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The files are not what they should be.
    #[error("the weights in `{}` cannot be used: {why}", dir.display())]
    Unusable {
        /// The folder.
        dir: PathBuf,
        /// Why, in one line.
        why: String,
    },
}

impl EmbedError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotBuiltIn { .. } => {
                "build with `--features embeddings`, or remove the folder: facts are found by their words"
            }
            Self::Unreadable { .. } | Self::Unusable { .. } => {
                "put config.json, tokenizer.json and model.safetensors of a BERT of sentence-transformers there (all-MiniLM-L6-v2), or remove the folder: facts are found by their words"
            }
        }
    }
}

/// The weights in this home. None where there is no folder for them.
///
/// # Errors
/// [`EmbedError`]: there is a folder, and it is of no use.
pub fn open(home: &Path) -> Result<Option<Box<dyn Embedder>>, EmbedError> {
    let dir = home.join(DIRECTORY);
    if !dir.is_dir() {
        return Ok(None);
    }
    read(dir).map(Some)
}

#[cfg(feature = "embeddings")]
fn read(dir: PathBuf) -> Result<Box<dyn Embedder>, EmbedError> {
    Ok(Box::new(bert::Bert::read(dir)?))
}

#[cfg(not(feature = "embeddings"))]
fn read(dir: PathBuf) -> Result<Box<dyn Embedder>, EmbedError> {
    Err(EmbedError::NotBuiltIn { dir })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_without_weights_has_no_vectors_and_that_is_no_mistake() {
        let home = tempfile::tempdir().unwrap();
        assert!(open(home.path()).unwrap().is_none());
    }

    #[cfg(not(feature = "embeddings"))]
    #[test]
    fn weights_that_nothing_here_can_read_are_said_to_be_of_no_use_here() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(DIRECTORY);
        std::fs::create_dir(&dir).unwrap();
        let error = open(home.path()).unwrap_err();
        assert_eq!(error, EmbedError::NotBuiltIn { dir });
        assert!(error.hint().contains("--features embeddings"));
    }
}
