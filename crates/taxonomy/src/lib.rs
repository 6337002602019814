//! The catalogue of contact reasons, its rules, and the tagging of a contact by them.
//!
//! [`Taxonomy::parse`] reads a YAML file or says what is wrong with it, line by line.
//! [`Tagger::tag`] is pure: the same contact gets the same tags whatever was tagged before. It
//! decides in a fixed order: rules, then the [`learned`] model where it is sure, then the agent's
//! code, then unclassified. What the others thought is kept. [`discovery`] groups what no reason
//! fits, [`lifecycle`] compares versions, [`audit`] says how far the counts can be trusted.

pub mod audit;
mod catalogue;
mod check;
mod demand;
pub mod discovery;
mod draws;
mod fire;
pub mod learned;
pub mod lifecycle;
mod load;
mod problem;
mod report;
mod rules;
mod tag;
mod yaml;

pub use catalogue::{Quadrant, Reason, Scores, Taxonomy};
pub use demand::{Nature, nature};
pub use problem::{Problem, Severity};
pub use report::{Checker, LanguageUse, Overlap, Report, RuleUse, check};
pub use tag::{TagInput, TagSettings, Tagger, Tagging};
