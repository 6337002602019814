//! Numbers of a scenario file, each with its unit and its range.

use quell_model::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Deserializer};

/// A length of time in milliseconds, written `7d`, `12h`, `90m`, `30s` or `500ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub(crate) struct Length(pub(crate) i64);

impl Length {
    /// Longer lengths are surely a slip, and the sums of a few of these cannot overflow.
    const MAX_MS: i64 = 10 * 366 * DAY_MS;

    fn from_text(text: &str) -> Option<Length> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            _ => return None,
        };
        let length = number.parse::<i64>().ok()?.checked_mul(unit_ms)?;
        (length <= Length::MAX_MS).then_some(Length(length))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Length::from_text(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{text}` is not a length of time: write a whole number and a unit, such as 7d, \
                 12h, 90m, 30s or 500ms, at most ten years"
            ))
        })
    }
}

macro_rules! ranged_number {
    ($(#[$doc:meta])* $name:ident, $ok:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(crate) struct $name(pub(crate) f64);
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = f64::deserialize(deserializer)?;
                let in_range: fn(f64) -> bool = $ok;
                if in_range(value) {
                    return Ok($name(value));
                }
                Err(serde::de::Error::custom(format_args!(
                    concat!("{} is out of range: give ", $expected), value
                )))
            }
        }
    };
}

ranged_number!(
    /// A share of a whole.
    Share,
    |v| (0.0..=1.0).contains(&v),
    "a share from 0 to 1"
);
ranged_number!(
    /// A number that cannot be negative.
    Amount,
    |v| (0.0..=1e9).contains(&v),
    "a number from 0 to 1000000000"
);
ranged_number!(
    /// A relative change.
    Change,
    |v| (-0.5..=1.0).contains(&v),
    "a change from -0.5 to 1 (0.01 is one per cent more)"
);
ranged_number!(
    /// The exponent of a Pareto tail.
    Tail,
    |v| (1.05..=20.0).contains(&v),
    "a tail exponent from 1.05 (a few customers make most contacts) to 20 (all alike)"
);
