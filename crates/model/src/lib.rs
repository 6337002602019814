//! The domain's words as types. Every other crate speaks in these; none of them adds a synonym.
//!
//! A record's way: [`event`] (what a source said) becomes a [`contact`] (what is known of one
//! attempt to get help), gets [`reason`]s, is linked into [`repeat`]s, leaves a [`fact`] for the
//! counts, which become [`trend`] rows and systemic [`issue`]s.

pub mod contact;
pub mod contact_patch;
pub mod event;
pub mod fact;
pub mod issue;
pub mod output;
pub mod patch;
pub mod position;
pub mod reason;
pub mod repeat;
pub mod scalar;
pub mod time;
pub mod topic;
pub mod trend;

pub use contact::{Contact, ContactKey, CueEvidence, NatureBasis, RuleEvidence, Standing};
pub use event::{ContactEvent, ContactEventType, Event};
pub use fact::{Fact, FactChange, FactWords};
pub use issue::{SystemicIssue, Verdict};
pub use output::{DERIVED_TOPICS, LatestOutputs, Output};
pub use patch::Patch;
pub use position::Position;
pub use reason::{DecidedBy, Evidence, Opinion, ReasonId, ReasonTag, Weight};
pub use repeat::{RepeatLink, RepeatMode, RepeatReport};
pub use time::TimeMs;
pub use trend::TrendRow;

/// The version of the formulas behind every published number. Raised when a formula changes.
pub const DEFINITION_VERSION: &str = "1";

/// The reason that stands for "no reason was found". Its weight keeps the sums whole.
pub const UNCLASSIFIED: &str = "_unclassified";
