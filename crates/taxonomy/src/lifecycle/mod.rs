//! The life of a taxonomy: what changed between two versions of it, what that does to real texts,
//! and how history counted under the old ids reads under the new ones.
//!
//! An id means the same reason for ever: a reason that gets another name keeps it, and so keeps
//! its history. Ids that go and come are tied together by what people declare ([`Replaces`]),
//! never by likeness of names. [`changes`] lists what changed, [`Comparison`] tags texts by both
//! versions and gives the [`Confusion`] of reasons, [`Restatement`] maps history; nothing is
//! written over: history as it was stands beside history restated.

mod changes;
mod confusion;
mod restate;
#[cfg(test)]
mod tests;

pub use changes::{Change, Part, Replaces, Undeclarable, changes};
pub use confusion::{Comparison, Confusion, Flow};
pub use restate::{History, HistoryRow, Restatement, Successors};
