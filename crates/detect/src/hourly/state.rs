//! The state of a tenant: one value that takes hours in order.

use quell_model::Verdict;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::scan::Evidence;
use super::{Hour, HourlySettings, Issue, Subject};

/// Version of the stored form: a state of another version is not read but built again.
pub const STATE_VERSION: u32 = 3;
/// A longer gap in the hours is an error: it would be filled hour by hour.
pub const GAP_MAX_H: u64 = 28 * 24;
/// Orders that are not known; a number, so that states can be stored and compared.
const UNKNOWN: f64 = -1.0;
/// Reasons of a tenant at most.
const REASONS_MAX: usize = 100_000;

/// Why an hour is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HourlyError {
    /// It is not after the last one: what changes a past hour is played again from a state that
    /// was stored before that hour.
    NotAfter,
    /// It is too far after the last one: begin anew.
    Gap,
    /// It names more reasons than a tenant may have.
    Reasons,
}

/// The detector of one tenant.
///
/// A function of the hours pushed and of nothing else, so a stored state and the hours after it
/// give what all hours give. Whoever keeps hours that can still change keeps a state from before
/// them as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourlyState {
    version: u32,
    settings: HourlySettings,
    /// The next hour, counted from a Monday, 00:00.
    next: u64,
    core: Core,
}

impl HourlyState {
    /// Before the first hour, which is `first` hours after some Monday, 00:00 of the tenant's time.
    pub fn new(first: u64, settings: HourlySettings) -> HourlyState {
        HourlyState { version: STATE_VERSION, settings, next: first, core: Core::new() }
    }

    /// Whether a value read from storage is of this version and can be used.
    pub fn is_sound(&self) -> bool {
        self.version == STATE_VERSION && self.core.is_sound()
    }

    /// What it was begun with.
    pub fn settings(&self) -> HourlySettings {
        self.settings
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
            self.append(&Hour { orders: UNKNOWN, ..Hour::default() });
        }
        if !hour.orders.is_finite() || hour.orders < 0.0 {
            hour.orders = UNKNOWN;
        }
        self.append(&hour);
        Ok(())
    }

    fn append(&mut self, hour: &Hour) {
        self.core.step(self.next, hour, &self.settings);
        self.next += 1;
    }

    /// The last issue of each subject, open or not. A reader that wants them all keeps them by
    /// subject and hour of opening.
    pub fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.core.issues()
    }

    /// Subjects over the lower limit without an issue, as issues that would have opened when they
    /// passed it, with the numbers of the last hour.
    pub fn watches(&self) -> impl Iterator<Item = Issue> {
        self.core.watches().map(|mut watch| {
            watch.onset = self.next.saturating_sub(u64::from(watch.opening.hours));
            watch
        })
    }

    /// What is said of a subject at the last hour, with the numbers of the window that says most.
    pub fn verdict(&self, subject: Subject) -> (Verdict, Evidence) {
        self.core.verdict(subject)
    }
}
