//! A model as bytes: a line that says what it is, what it must fit, the rows, and a hash over all.
//!
//! ```text
//! QTAG | format u32 | features u32 | analyser: text | precision f64 | temperature f32
//!      | threshold f32 | least known f32 | other u32 (none: MAX) | texts u64 | seed u64
//!      | labels: u32, texts
//!      | bias f32… | unknown f32 | rows u32 | keys u64… | rarities f32… | scales f32…
//!      | weights i8… | BLAKE3
//! ```
//! Little endian; a text is its length as u32 and UTF-8. Format 2 has a row for each key. Format 3
//! is that of a model learnt with word vectors, which it carries: behind `unknown` stand
//! `dimensions u32 | words u32 | keys u64… | values i8…`, and behind the rows of the keys one for
//! each dimension.

use std::fmt;
use std::sync::Arc;

use quell_text::ANALYSER_VERSION;

use super::features::FEATURES_VERSION;
use super::model::{Calibration, Learned, Origin, width};
use super::vectors::WordVectors;
use super::vocabulary::Lookup;

const MAGIC: &[u8; 4] = b"QTAG";
const FORMAT: u32 = 2;
/// With word vectors.
const FORMAT_VECTORS: u32 = 3;
const HASH_BYTES: usize = 32;
const NO_LABEL: u32 = u32::MAX;

/// Why bytes are no model that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// Not a model at all.
    NotAModel,
    /// Cut off or changed since it was written.
    Damaged,
    /// Written by another release.
    Format {
        /// The version found.
        found: u32,
    },
    /// Trained on another analysis of text.
    Analyser {
        /// The version it was trained with.
        trained: String,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::NotAModel => {
                f.write_str("this is no model; `quell tagger train --model FILE` writes one")
            }
            FormatError::Damaged => {
                f.write_str("the model is cut off or changed; copy it again, or train it again")
            }
            FormatError::Format { found } => write!(
                f,
                "the model has format {found}, this release reads {FORMAT}; train it again"
            ),
            FormatError::Analyser { trained } => write!(
                f,
                "the model was trained with text analysis {trained}, this release has \
                 {}; train it again",
                analyser()
            ),
        }
    }
}

impl std::error::Error for FormatError {}

/// What the keys of a model depend on.
fn analyser() -> String {
    format!("{ANALYSER_VERSION}.{FEATURES_VERSION}")
}

impl Learned {
    /// The model as bytes; the same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weights.len() + self.keys.len() * 16 + 4096);
        out.extend_from_slice(MAGIC);
        let format = if self.vectors.is_some() { FORMAT_VECTORS } else { FORMAT };
        out.extend_from_slice(&format.to_le_bytes());
        text(&mut out, &analyser());
        let Calibration { temperature, threshold, precision, other, least_known } =
            self.calibration;
        out.extend_from_slice(&precision.to_le_bytes());
        out.extend_from_slice(&temperature.to_le_bytes());
        out.extend_from_slice(&threshold.to_le_bytes());
        out.extend_from_slice(&least_known.to_le_bytes());
        out.extend_from_slice(&other.unwrap_or(NO_LABEL).to_le_bytes());
        out.extend_from_slice(&self.origin.texts.to_le_bytes());
        out.extend_from_slice(&self.origin.seed.to_le_bytes());
        out.extend_from_slice(&(self.labels.len() as u32).to_le_bytes());
        self.labels.iter().for_each(|label| text(&mut out, label));
        self.bias.iter().for_each(|bias| out.extend_from_slice(&bias.to_le_bytes()));
        out.extend_from_slice(&self.unknown.to_le_bytes());
        if let Some(vectors) = &self.vectors {
            out.extend_from_slice(&(vectors.dimensions() as u32).to_le_bytes());
            out.extend_from_slice(&(vectors.words() as u32).to_le_bytes());
            vectors.keys.iter().for_each(|key| out.extend_from_slice(&key.to_le_bytes()));
            out.extend(vectors.values.iter().map(|value| value.cast_unsigned()));
        }
        out.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        self.keys.iter().for_each(|key| out.extend_from_slice(&key.to_le_bytes()));
        for floats in [&self.rarities, &self.scales] {
            floats.iter().for_each(|float| out.extend_from_slice(&float.to_le_bytes()));
        }
        for row in self.weights.chunks_exact(width(self.labels.len())) {
            out.extend(row.iter().take(self.labels.len()).map(|weight| weight.cast_unsigned()));
        }
        let hash = blake3::hash(&out);
        out.extend_from_slice(hash.as_bytes());
        out
    }

    /// Reads a model.
    ///
    /// # Errors
    /// [`FormatError`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Learned, FormatError> {
        let damaged = FormatError::Damaged;
        if bytes.get(..MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(FormatError::NotAModel);
        }
        let (body, hash) = bytes.split_at(bytes.len().saturating_sub(HASH_BYTES));
        let mut read = Bytes(body.get(MAGIC.len()..).unwrap_or_default());
        let format = read.u32().ok_or(FormatError::Damaged)?;
        if format != FORMAT && format != FORMAT_VECTORS {
            return Err(FormatError::Format { found: format });
        }
        if blake3::hash(body).as_bytes() != hash {
            return Err(damaged);
        }
        let trained = read.text().ok_or(FormatError::Damaged)?;
        if trained != analyser() {
            return Err(FormatError::Analyser { trained });
        }
        read.model(format == FORMAT_VECTORS).filter(|model| model.fits()).ok_or(damaged)
    }

    fn fits(&self) -> bool {
        self.calibration.other.is_none_or(|other| (other as usize) < self.labels.len())
            && !self.labels.is_empty()
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn model(&mut self, has_vectors: bool) -> Option<Learned> {
        let precision = f64::from_le_bytes(self.array()?);
        let temperature = self.f32()?;
        let threshold = self.f32()?;
        let least_known = self.f32()?;
        let other = Some(self.u32()?).filter(|&other| other != NO_LABEL);
        let calibration = Calibration { temperature, threshold, precision, other, least_known };
        let origin = Origin { texts: self.u64()?, seed: self.u64()? };
        let labels: Vec<String> = self.many(4, Bytes::text)?;
        let bias = self.exactly(labels.len(), Bytes::f32)?;
        let unknown = self.f32()?;
        let vectors = if has_vectors { Some(Arc::new(self.vectors()?)) } else { None };
        let dense = vectors.as_ref().map_or(0, |vectors| vectors.dimensions());
        let keys: Vec<u64> = self.many(8, Bytes::u64)?;
        let rarities = self.exactly(keys.len(), Bytes::f32)?;
        let rows = keys.len().checked_add(dense)?;
        let scales = self.exactly(rows, Bytes::f32)?;
        let is_whole = rows.checked_mul(labels.len()) == Some(self.0.len());
        let mut weights =
            Vec::with_capacity(self.0.len() / labels.len().max(1) * width(labels.len()));
        for row in self.0.chunks(labels.len().max(1)) {
            weights.extend(row.iter().map(|byte| byte.cast_signed()));
            weights.resize(weights.len().next_multiple_of(width(labels.len()).max(1)), 0);
        }
        let mut model = is_whole.then_some(Learned {
            labels,
            keys,
            rarities,
            scales,
            unknown,
            vectors,
            weights,
            bias,
            calibration,
            origin,
            lookup: Lookup::default(),
        })?;
        model.look_up();
        Some(model)
    }

    fn vectors(&mut self) -> Option<WordVectors> {
        let dimensions = self.u32()? as usize;
        let keys: Vec<u64> = self.many(8, Bytes::u64)?;
        let (values, rest) = self.0.split_at_checked(keys.len().checked_mul(dimensions)?)?;
        self.0 = rest;
        WordVectors::new(dimensions, keys, values.iter().map(|byte| byte.cast_signed()).collect())
    }

    /// A count and so many items, each of at least `least` bytes.
    fn many<T>(
        &mut self,
        least: usize,
        item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.u32()? as usize;
        // A count beyond the bytes takes no memory.
        if count > self.0.len() / least {
            return None;
        }
        self.exactly(count, item)
    }

    fn exactly<T>(
        &mut self,
        count: usize,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        (0..count).map(|_| item(self)).collect()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u32()? as usize;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(taken.to_vec()).ok()
    }
}
