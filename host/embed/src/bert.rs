//! A BERT of sentence-transformers on the processor: tokens, their states, the mean of these, of length 1.
//!
//! That is the recipe of all-MiniLM-L6-v2 and its kind (N. Reimers, I. Gurevych: Sentence-BERT, EMNLP 2019). The same text
//! has the same vector on the same machine. Texts are looked at one by one: there are a few, and a batch of texts of
//! different lengths would need padding.

use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use sha2::{Digest as _, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

use crate::{EmbedError, Embedder, files};

/// Most tokens of a text: what the small models of the kind were made with.
const MAX_TOKENS: usize = 256;

/// Digits of a digest that name the weights.
const NAME: usize = 12;

/// The model.
pub(crate) struct Bert {
    dir: PathBuf,
    name: String,
    dimensions: usize,
    tokenizer: Tokenizer,
    model: BertModel,
}

impl std::fmt::Debug for Bert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bert")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Bert {
    /// Reads the weights of a folder, and tries them: what does not fit together is found now.
    pub(crate) fn read(dir: PathBuf) -> Result<Self, EmbedError> {
        let unusable = |why: &dyn std::fmt::Display| unusable(&dir, why);
        let config = files::read(&dir, "config.json", files::DESCRIPTION)?;
        let config: Config = serde_json::from_slice(&config)
            .map_err(|why| unusable(&format!("config.json: {why}")))?;
        let tokenizer = files::read(&dir, "tokenizer.json", files::DESCRIPTION)?;
        let mut tokenizer = Tokenizer::from_bytes(&tokenizer)
            .map_err(|why| unusable(&format!("tokenizer.json: {why}")))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: MAX_TOKENS.min(config.max_position_embeddings),
                ..TruncationParams::default()
            }))
            .map_err(|why| unusable(&format!("tokenizer.json: {why}")))?;
        let weights = files::read(&dir, "model.safetensors", files::WEIGHTS)?;
        let digest = Sha256::digest(&weights);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let tensors = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .map_err(|why| unusable(&format!("model.safetensors: {why}")))?;
        let model = BertModel::load(tensors, &config)
            .map_err(|why| unusable(&format!("model.safetensors: {why}")))?;
        let bert = Self {
            name: name.chars().take(NAME).collect(),
            dimensions: config.hidden_size,
            tokenizer,
            model,
            dir,
        };
        let tried = bert.embed("A text.")?;
        if tried.len() != bert.dimensions {
            return Err(bert.unusable(&"a vector has another length than config.json says"));
        }
        Ok(bert)
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> EmbedError {
        unusable(&self.dir, why)
    }

    /// The mean of the states of a text's tokens, brought to length 1.
    fn mean(&self, tokens: &[u32]) -> candle_core::Result<Vec<f32>> {
        let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let states = self.model.forward(&tokens, &tokens.zeros_like()?, None)?;
        let mean = states.mean(1)?.squeeze(0)?;
        let length = mean.sqr()?.sum_all()?.sqrt()?;
        mean.broadcast_div(&length)?.to_vec1()
    }
}

impl Embedder for Bert {
    fn model(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let tokens = self
            .tokenizer
            .encode(text, true)
            .map_err(|why| self.unusable(&why))?;
        let vector = self
            .mean(tokens.get_ids())
            .map_err(|why| self.unusable(&why))?;
        if vector.iter().any(|part| !part.is_finite()) {
            return Err(self.unusable(&"a vector has parts that are no numbers"));
        }
        Ok(vector)
    }
}

/// What a library says may have many lines, and a trace of calls: the first line says it.
fn unusable(dir: &std::path::Path, why: &dyn std::fmt::Display) -> EmbedError {
    let why = why.to_string();
    EmbedError::Unusable {
        dir: dir.to_owned(),
        why: why
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect(),
    }
}
