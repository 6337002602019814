//! A model as bytes: a line that says what it is, what it must fit, the rows, and a hash over all.
//!
//! ```text
//! QTAG | format u32 | features u32 | analyser: text | precision f64 | temperature f32
//!      | threshold f32 | other u32 (none: MAX) | texts u64 | seed u64 | labels: u32, texts
//!      | bias f32… | rows u32 | keys u64… | rarities f32… | scales f32… | weights i8… | BLAKE3
//! ```
//! Little endian; a text is its length as u32 and UTF-8.

use std::fmt;

use quell_text::ANALYSER_VERSION;

use super::features::FEATURES_VERSION;
use super::model::{Calibration, Learned, Origin};
use super::vocabulary::Lookup;

const MAGIC: &[u8; 4] = b"QTAG";
const FORMAT: u32 = 1;
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
        out.extend_from_slice(&FORMAT.to_le_bytes());
        text(&mut out, &analyser());
        let Calibration { temperature, threshold, precision, other } = self.calibration;
        out.extend_from_slice(&precision.to_le_bytes());
        out.extend_from_slice(&temperature.to_le_bytes());
        out.extend_from_slice(&threshold.to_le_bytes());
        out.extend_from_slice(&other.unwrap_or(NO_LABEL).to_le_bytes());
        out.extend_from_slice(&self.origin.texts.to_le_bytes());
        out.extend_from_slice(&self.origin.seed.to_le_bytes());
        out.extend_from_slice(&(self.labels.len() as u32).to_le_bytes());
        self.labels.iter().for_each(|label| text(&mut out, label));
        self.bias.iter().for_each(|bias| out.extend_from_slice(&bias.to_le_bytes()));
        out.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        self.keys.iter().for_each(|key| out.extend_from_slice(&key.to_le_bytes()));
        for floats in [&self.rarities, &self.scales] {
            floats.iter().for_each(|float| out.extend_from_slice(&float.to_le_bytes()));
        }
        out.extend(self.weights.iter().map(|weight| weight.cast_unsigned()));
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
        if format != FORMAT {
            return Err(FormatError::Format { found: format });
        }
        if blake3::hash(body).as_bytes() != hash {
            return Err(damaged);
        }
        let trained = read.text().ok_or(FormatError::Damaged)?;
        if trained != analyser() {
            return Err(FormatError::Analyser { trained });
        }
        read.model().filter(|model| model.fits()).ok_or(damaged)
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
    fn model(&mut self) -> Option<Learned> {
        let precision = f64::from_le_bytes(self.array()?);
        let temperature = self.f32()?;
        let threshold = self.f32()?;
        let other = Some(self.u32()?).filter(|&other| other != NO_LABEL);
        let calibration = Calibration { temperature, threshold, precision, other };
        let origin = Origin { texts: self.u64()?, seed: self.u64()? };
        let labels: Vec<String> = self.many(4, Bytes::text)?;
        let bias = self.exactly(labels.len(), Bytes::f32)?;
        let keys: Vec<u64> = self.many(8, Bytes::u64)?;
        let rarities = self.exactly(keys.len(), Bytes::f32)?;
        let scales = self.exactly(keys.len(), Bytes::f32)?;
        let weights: Vec<i8> = self.0.iter().map(|byte| byte.cast_signed()).collect();
        let is_whole = keys.len().checked_mul(labels.len()) == Some(weights.len());
        let mut model = is_whole.then_some(Learned {
            labels,
            keys,
            rarities,
            scales,
            weights,
            bias,
            calibration,
            origin,
            lookup: Lookup::default(),
        })?;
        model.look_up();
        Some(model)
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
