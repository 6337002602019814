//! The catalogue of contact reasons, its rules, and the tagging of a contact by them.
//!
//! [`Taxonomy::parse`] reads a YAML file or says what is wrong with it, line by line.
//! [`Tagger::tag`] is pure: the same contact gets the same tags whatever was tagged before. It
//! decides in a fixed order: rules, then the agent's code, then unclassified. The [`learned`]
//! tagger can be trained and measured; it has no say in [`Tagger::tag`] yet.

mod catalogue;
mod check;
mod demand;
pub mod learned;
mod load;
mod problem;
mod rules;
mod tag;
mod yaml;

pub use catalogue::{Quadrant, Reason, Scores, Taxonomy};
pub use problem::{Problem, Severity};
pub use tag::{TagInput, TagSettings, Tagger, Tagging};
