//! Bytes and the model, both ways. Nothing else in Quell parses what a source sent or writes what
//! another program reads.
//!
//! [`decode`] takes one record as it came: it strips the [`envelope`], lets an [`adapter`] turn
//! the source's own fields into the canonical ones, and checks the result. Whatever cannot be
//! read is a [`Reject`], a value and never a panic, and never holds the customer's words.
//! [`encode`] writes canonical events and output rows, [`dead_letter`] what was rejected, and
//! [`rows`] the versioned bytes of state tables and internal topics.
//!
//! Where a JSON object names a member twice, the last one counts, as most readers have it.

pub mod adapter;
mod canonical;
mod check;
pub mod dead_letter;
mod decode;
pub mod encode;
pub mod envelope;
mod json;
pub mod noted;
mod objects;
pub mod reject;
pub mod rows;

pub use adapter::{Adapter, Problem};
pub use dead_letter::{DeadLetter, LEFT_OUT, connect_headers};
pub use decode::{Decoded, Limits, RawRecord, Unmapped, decode, is_blank};
pub use encode::{encode_event, encode_output};
pub use reject::{Cause, Reject};
