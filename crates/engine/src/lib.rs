//! The deterministic core: what happens to an event, without clock, disk, network or randomness.
//!
//! Inputs go in, effects come out; what a stage must remember it keeps in [`State`]. Time is an
//! input too: a [`Mark`](LinkInput::Mark) says up to when event time is complete.
//!
//! ```text
//! Event ─ intake ─► Event (redacted) ─ tag ─► LinkInput ─ link ─► FactChange ─ trend ─► Output
//! ```
//!
//! [`Tag`], [`Link`] and [`Trend`] are the stages; [`Core`] chains them in memory. A stage reads
//! and writes only its own tables, and only under the key it is partitioned by.

mod core;
pub mod hash;
pub mod intake;
pub mod invariants;
pub mod link;
pub mod marks;
mod settings;
mod state;
pub mod tag;
mod timers;
pub mod trend;

pub use crate::core::{Core, CoreInput};
pub use link::{Link, LinkInput};
pub use settings::Settings;
pub use state::{Scan, State, StateError, TABLES, Table, VisitRow};
pub use tag::Tag;
pub use trend::{Trend, TrendInput};

use quell_model::{ContactKey, Output};

/// What a step asks the outside to do. State changes are not here: they went to [`State`], which
/// holds them back until the turn commits.
#[derive(Debug, Default)]
pub struct Effects {
    /// Records for derived topics. The last one of a key counts.
    pub outputs: Vec<Output>,
    /// For LINK, keyed by [`LinkInput::owner`].
    pub to_link: Vec<LinkInput>,
    /// For TREND.
    pub to_trend: Vec<TrendInput>,
    /// Contacts whose links became final: each once, unless its customer changes later.
    pub settled: Vec<ContactKey>,
    /// What was counted on the way.
    pub tally: Tally,
    /// More timers are due at the mark than one step fires: the same mark must be given again.
    pub unfinished: bool,
    /// TREND's cells of this turn.
    pub(crate) pending: trend::Pending,
}

macro_rules! tally {
    ($($(#[$doc:meta])* $field:ident),+ $(,)?) => {
        /// Counts of what the stages met. Every one of them is a metric.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tally { $($(#[$doc])* pub $field: u64),+ }

        impl Tally {
            /// Adds another tally.
            pub fn add(&mut self, other: &Tally) {
                $(self.$field += other.$field;)+
            }

            /// Names and values, in order.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field)),+]
            }
        }
    };
}

tally!(
    /// Contact events that changed a contact.
    events_applied,
    /// Contact events that said nothing new: redelivered, or older than what is known.
    events_stale,
    /// Contact events for an erased contact.
    events_after_erasure,
    /// Contacts erased.
    contacts_erased,
    /// Marks of personal data replaced.
    redactions,
    /// Contacts not linked because their customer has too many active ones.
    customer_overflow,
    /// Contacts whose links could not change any more when an event arrived.
    links_frozen,
    /// Counts that changed after their window was frozen: contacts stay exact, customers do not.
    windows_amended_late,
    /// Dimension values folded into `_other` because the dimension has too many.
    dimension_overflow,
    /// Hours that changed beyond the detection horizon: counts follow, verdicts do not.
    changes_beyond_horizon,
    /// Volume records applied.
    volumes_applied,
    /// Noted inputs kept.
    noted_kept,
);
