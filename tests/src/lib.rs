//! What tests that cross crate borders share: events over a small space, and a reference that
//! finds repeats by comparing everything with everything.

pub mod binary;
pub mod deployment;
pub mod events;
pub mod reference;
pub mod runs;
pub mod search;
pub mod shop;
pub mod tools;
pub mod topics;
