//! What is going to happen, and the queue that it waits in.

use std::cmp::Ordering;

use quell_model::event::Channel;

use crate::compose::Past;
use crate::people::Person;
use crate::scenario::Cause;

/// A contact that is going to be made.
#[derive(Debug)]
pub(crate) enum Plan {
    /// A first contact, of which only the cause is settled.
    First { reason: usize, incident: Option<usize> },
    /// One of which all is settled but the words.
    Settled(Box<Occasion>),
}

/// All that is settled of a contact before it is put into words.
#[derive(Debug)]
pub(crate) struct Occasion {
    pub(crate) reason: usize,
    pub(crate) person: Person,
    /// False where the source does not know the customer.
    pub(crate) known: bool,
    pub(crate) order: String,
    pub(crate) product: usize,
    pub(crate) channel: Channel,
    pub(crate) variant: Option<u32>,
    pub(crate) past: Option<Past>,
    pub(crate) incident: Option<usize>,
    pub(crate) edge: Option<&'static str>,
    pub(crate) chain: Option<Chain>,
}

/// The chain that a contact belongs to, as seen from that contact.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) id: u64,
    pub(crate) adjacent: bool,
    /// From 1.
    pub(crate) position: u32,
    /// Contacts still to come.
    pub(crate) left: u32,
    pub(crate) first: Option<String>,
    pub(crate) previous: Option<(String, i64)>,
    /// Why the previous contact did not settle it.
    pub(crate) cause: Option<Cause>,
    /// A gap that must be met to the millisecond.
    pub(crate) exact_gap_ms: Option<i64>,
}

impl Chain {
    pub(crate) fn link(&self) -> Option<&'static str> {
        self.previous.as_ref()?;
        Some(if self.adjacent { "adjacent_reason" } else { "same_issue" })
    }

    /// The code of the cause, where there is a contact before this one.
    pub(crate) fn cause_code(&self) -> Option<&'static str> {
        self.previous.as_ref()?;
        if self.adjacent { Some("adjacent_issue") } else { self.cause.map(Cause::as_str) }
    }
}

/// Something due at a time; earlier ones first, and those planned first among equals.
#[derive(Debug)]
pub(crate) struct Due<T> {
    pub(crate) at_ms: i64,
    pub(crate) sequence: u64,
    pub(crate) what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    /// Reversed, since the queue hands out its greatest entry first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.sequence).cmp(&(self.at_ms, self.sequence))
    }
}
