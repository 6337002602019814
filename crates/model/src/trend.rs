//! Standing series: counts per reason, window and dimension value.

use std::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};

use crate::contact::Maturity;
use crate::reason::ReasonId;
use crate::time::{DAY_MS, HOUR_MS, TimeMs};

/// The dimension of the rows that count a reason as a whole.
pub const ALL: &str = "all";

/// The public id of a trend row: `reason|dimension|value|granularity|window_start`, with `|` and
/// `%` in a part percent-escaped. Sorts by its parts from left to right.
pub fn trend_key(
    reason: &str,
    dimension: &str,
    value: &str,
    granularity: Granularity,
    window_start: TimeMs,
) -> String {
    let mut key = trend_key_prefix(&[reason, dimension, value]);
    key.push_str(granularity.as_str());
    key.push('|');
    key.push_str(&window_start.to_string());
    key
}

/// The beginning of every trend key with these first parts, the bar after them included.
pub fn trend_key_prefix(parts: &[&str]) -> String {
    let mut key = String::with_capacity(96);
    for part in parts {
        for c in part.chars() {
            match c {
                '%' => key.push_str("%25"),
                '|' => key.push_str("%7C"),
                _ => key.push(c),
            }
        }
        key.push('|');
    }
    key
}

/// A part of a trend key as it was before it was escaped.
pub fn unescape_key_part(part: &str) -> String {
    part.replace("%7C", "|").replace("%25", "%")
}

/// The length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Granularity {
    Hour,
    Day,
}

impl Granularity {
    /// The word in keys and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Granularity::Hour => "hour",
            Granularity::Day => "day",
        }
    }

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

    /// Whole contacts, rounded.
    pub fn whole(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0).saturating_add(500_000) / 1_000_000
    }
}

impl AddAssign for Contacts {
    fn add_assign(&mut self, other: Contacts) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl Sub for Contacts {
    type Output = Contacts;

    fn sub(self, other: Contacts) -> Contacts {
        Contacts(self.0.saturating_sub(other.0))
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
