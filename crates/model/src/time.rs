//! Points in time as milliseconds since 1970-01-01 UTC, RFC 3339 where people read them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeMs(pub i64);

impl TimeMs {
    /// Before every event.
    pub const MIN: TimeMs = TimeMs(i64::MIN);
    /// After every event.
    pub const MAX: TimeMs = TimeMs(i64::MAX);

    /// The start of the UTC hour that holds this time.
    pub fn hour(self) -> TimeMs {
        TimeMs(self.0.div_euclid(HOUR_MS) * HOUR_MS)
    }

    /// The start of the UTC day that holds this time.
    pub fn day(self) -> TimeMs {
        TimeMs(self.0.div_euclid(DAY_MS) * DAY_MS)
    }

    /// This time moved by `ms`; stays at the ends of the range instead of wrapping.
    pub fn plus_ms(self, ms: i64) -> TimeMs {
        TimeMs(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time.
    pub fn since_ms(self, earlier: TimeMs) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Eight bytes that sort as the times do.
    pub fn to_key(self) -> [u8; 8] {
        ((self.0 as u64) ^ (1 << 63)).to_be_bytes()
    }

    /// The inverse of [`TimeMs::to_key`].
    pub fn from_key(key: [u8; 8]) -> TimeMs {
        TimeMs((u64::from_be_bytes(key) ^ (1 << 63)) as i64)
    }
}

impl fmt::Display for TimeMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) if self.0 < 0 => f.write_str("-infinity"),
            Err(_) => f.write_str("infinity"),
        }
    }
}

/// The text is not an RFC 3339 date and time with an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTime;

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an RFC 3339 date-time such as 2019-05-04T01:30:00Z")
    }
}

impl std::error::Error for InvalidTime {}

impl FromStr for TimeMs {
    type Err = InvalidTime;

    /// Finer parts of a second than a millisecond are dropped.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| InvalidTime)?;
        Ok(TimeMs(timestamp.as_millisecond()))
    }
}

impl Serialize for TimeMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for TimeMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(TimeMs);
        }
        struct Rfc3339;
        impl serde::de::Visitor<'_> for Rfc3339 {
            type Value = TimeMs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 date-time such as 2019-05-04T01:30:00Z")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TimeMs, E> {
                text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Rfc3339)
    }
}
