//! Standing series: counts per reason, window and dimension value.

use serde::{Deserialize, Serialize};

use crate::contact::Maturity;
use crate::reason::ReasonId;
use crate::time::{DAY_MS, HOUR_MS, TimeMs};

/// The dimension of the rows that count a reason as a whole.
pub const ALL: &str = "all";

/// The length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Granularity {
    Hour,
    Day,
}

impl Granularity {
    /// The window's length in milliseconds.
    pub fn length_ms(self) -> i64 {
        match self {
            Granularity::Hour => HOUR_MS,
            Granularity::Day => DAY_MS,
        }
    }

    /// The start of the window that holds `time`.
    pub fn start(self, time: TimeMs) -> TimeMs {
        match self {
            Granularity::Hour => time.hour(),
            Granularity::Day => time.day(),
        }
    }
}

/// A sum of contact weights in millionths, written as a decimal number of contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contacts(pub i64);

impl Contacts {
    /// As a number of contacts.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Serialize for Contacts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (serializer.is_human_readable(), self.0 % 1_000_000) {
            (false, _) => serializer.serialize_i64(self.0),
            (true, 0) => serializer.serialize_i64(self.0 / 1_000_000),
            (true, _) => serializer.serialize_f64(self.as_f64()),
        }
    }
}

impl<'de> Deserialize<'de> for Contacts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(Contacts((f64::deserialize(deserializer)? * 1e6).round() as i64))
        } else {
            i64::deserialize(deserializer).map(Contacts)
        }
    }
}

/// The counts of one window. Sums of many rows add up, but for `customers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Weighted contacts.
    pub contacts: Contacts,
    /// Distinct known customers.
    pub customers: u64,
    /// Weighted contacts that repeat an earlier one, by mode as in `RepeatMode::ALL`.
    pub repeats: [Contacts; 3],
    /// Cost in millionths of the currency.
    pub cost_micros: i64,
}

/// A record of the `trends` topic and a row of `trends.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TrendRow {
    pub reason: ReasonId,
    /// [`ALL`] or a dimension's name.
    pub dimension: String,
    /// [`ALL`] or the dimension's value.
    pub value: String,
    pub granularity: Granularity,
    pub window_start: TimeMs,
    pub contacts: Contacts,
    pub customers: u64,
    pub repeats_any_reason: Contacts,
    pub repeats_same_reason: Contacts,
    pub repeats_same_issue: Contacts,
    pub cost_micros: i64,
    pub maturity: Maturity,
    pub taxonomy_version: String,
    pub definition_version: String,
}
