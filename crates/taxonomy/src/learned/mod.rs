//! The tagger that learns from what agents coded.
//!
//! [`Trainer`] takes texts with their labels and makes a [`Learned`], a linear model over hashed
//! words, pairs and pieces of words. [`Learned::guess`] says what it thinks of a text, how sure
//! it is and by which words; it abstains below the confidence that kept the wanted precision on
//! texts it had not seen. Pure: the same texts and seed give the same bytes.
//!
//! What it cannot do: it knows no word that neither its texts nor the operator's word vectors
//! ([`WordVectors`]) have, and its promise of precision holds for contacts like those it was
//! trained on, not for a new kind. The label of "something else" ([`TrainSettings::other`]) and
//! the threshold reject many of those, not all.

mod calibrate;
mod eval;
mod features;
mod format;
mod linear;
mod model;
mod ratios;
mod reasons;
#[cfg(test)]
mod tests;
mod train;
mod vectors;
mod vocabulary;

pub use eval::{Evaluation, evaluate};
pub use format::FormatError;
pub use model::{Contribution, Guess, Learned, Reader};
pub(crate) use reasons::ReasonModel;
pub use train::{Example, Lessons, Part, TrainError, TrainSettings, Trainer, few_of_each};
pub use vectors::{VectorsBuilder, VectorsError, WordVectors};
