//! The state of a tenant: hours that are settled, hours that may still change, and the present.

use std::collections::VecDeque;

use quell_model::Verdict;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::scan::{Evidence, RING_H};
use super::{Hour, HourlySettings, Issue, Subject};

/// Version of the stored form: a state of another version is not read but built again.
pub const STATE_VERSION: u32 = 1;
/// A longer gap in the hours is an error: it would be filled hour by hour.
const GAP_MAX_H: u64 = 28 * 24;
/// Orders that are not known; a number, so that states can be stored and compared.
const UNKNOWN: f64 = -1.0;
/// Reasons of a tenant at most.
const REASONS_MAX: usize = 100_000;

/// What became of a late count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The hour is amended: verdicts are as if the count had come in time.
    Amended,
    /// The hour is settled, or not yet pushed: the count belongs in reports only.
    Settled,
}

/// Why an hour is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HourlyError {
    /// It is not after the last one: late counts go through [`HourlyState::add_late`].
    NotAfter,
    /// It is too far after the last one: begin anew.
    Gap,
    /// It names more reasons than a tenant may have.
    Reasons,
}

/// The detector of one tenant.
///
/// `head` is always what playing `ring` on top of `settled` gives. So a late count changes its
/// hour in the ring and the ring is played again, and any order of arrival within the ring's 96
/// hours ends in the same state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourlyState {
    version: u32,
    settings: HourlySettings,
    /// The next hour, counted from a Monday, 00:00.
    next: u64,
    settled: Core,
    ring: VecDeque<Hour>,
    head: Core,
    stale: bool,
}

impl HourlyState {
    /// Before the first hour, which is `first` hours after some Monday, 00:00 of the tenant's time.
    pub fn new(first: u64, settings: HourlySettings) -> HourlyState {
        HourlyState {
            version: STATE_VERSION,
            settings,
            next: first,
            settled: Core::new(),
            ring: VecDeque::new(),
            head: Core::new(),
            stale: false,
        }
    }

    /// Whether a value read from storage is of this version and can be used.
    pub fn is_sound(&self) -> bool {
        self.version == STATE_VERSION
            && self.ring.len() <= RING_H
            && self.next >= self.ring.len() as u64
            && self.settled.is_sound()
            && self.head.is_sound()
    }

    /// The next hour that is due.
    pub fn next_hour(&self) -> u64 {
        self.next
    }

    /// Takes a closed hour. Hours left out before it count as unknown.
    ///
    /// # Errors
    /// The hour is past, too far ahead, or names too many reasons; the state is as before.
    pub fn push(&mut self, at: u64, mut hour: Hour) -> Result<(), HourlyError> {
        let gap = at.checked_sub(self.next).ok_or(HourlyError::NotAfter)?;
        if gap > GAP_MAX_H || at == u64::MAX {
            return Err(HourlyError::Gap);
        }
        if hour.counts.len() > REASONS_MAX {
            return Err(HourlyError::Reasons);
        }
        for _ in 0..gap {
            self.append(Hour { orders: UNKNOWN, ..Hour::default() });
        }
        if !hour.orders.is_finite() || hour.orders < 0.0 {
            hour.orders = UNKNOWN;
        }
        self.append(hour);
        Ok(())
    }

    fn append(&mut self, hour: Hour) {
        if !self.stale {
            self.head.step(self.next, &hour, &self.settings);
        }
        self.ring.push_back(hour);
        self.next += 1;
        if self.ring.len() > RING_H {
            let at = self.next - self.ring.len() as u64;
            if let Some(oldest) = self.ring.pop_front() {
                self.settled.step(at, &oldest, &self.settings);
            }
        }
    }

    /// Adds counts that came late to an hour. What is played again is put off to the next look,
    /// so many late counts cost one replay.
    pub fn add_late(&mut self, at: u64, reason: usize, customers: u32, contacts: u32) -> Late {
        let first = self.next - self.ring.len() as u64;
        let place = at.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let hour = place.and_then(|place| self.ring.get_mut(place));
        let Some(hour) = hour.filter(|_| reason < REASONS_MAX) else { return Late::Settled };
        if hour.counts.len() <= reason {
            hour.counts.resize(reason + 1, super::Count::default());
        }
        if let Some(count) = hour.counts.get_mut(reason) {
            count.customers = count.customers.saturating_add(customers);
            count.contacts = count.contacts.saturating_add(contacts);
        }
        self.stale = true;
        Late::Amended
    }

    /// Plays the ring again if late counts changed it.
    pub fn refresh(&mut self) {
        if !self.stale {
            return;
        }
        self.head = self.settled.clone();
        let first = self.next - self.ring.len() as u64;
        for (at, hour) in (first..).zip(&self.ring) {
            self.head.step(at, hour, &self.settings);
        }
        self.stale = false;
    }

    /// The last issue of each subject, open or not. Those of the last 96 hours may yet change or
    /// vanish as late counts come; a reader keeps them by subject and hour of opening.
    pub fn issues(&mut self) -> impl Iterator<Item = &Issue> {
        self.refresh();
        self.head.issues()
    }

    /// What is said of a subject at the last hour, with the numbers of the window that says most.
    pub fn verdict(&mut self, subject: Subject) -> (Verdict, Evidence) {
        self.refresh();
        self.head.verdict(subject, &self.settings)
    }
}
