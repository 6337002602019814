//! Text as customers write it: language, folding, stems, phrases, cues, likeness, redaction.
//!
//! Pure: every function's result depends on its arguments alone. What is cached makes it fast and
//! never shows. A trained tagger will sit beside [`phrase`], on the same [`analysis`].

pub mod analysis;
pub mod chinese;
pub mod cues;
mod hash;
pub mod lang;
pub mod language;
pub mod normalise;
pub mod phrase;
pub mod redact;
mod segment;
pub mod similarity;
mod stem;

pub use analysis::{Analysis, Analyzer, IndexTerm, Token, plain_terms, split_into};
pub use lang::{Detected, Detector, Part};
pub use language::{Language, Script};
pub use redact::{Redacted, RedactionCounts, redact};
pub use segment::{Break, TokenKind};

/// The version of folding, segmentation and stems. Stored beside every index and sketch made with
/// them; a mismatch means they must be made again.
pub const ANALYSER_VERSION: &str = "2";
