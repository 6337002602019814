//! The ways in which sources write times.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use serde_json::Value;

use quell_model::TimeMs;

/// How a source writes a time.
#[derive(Clone, Debug)]
pub(crate) enum TimeFormat {
    /// RFC 3339 with its offset.
    Rfc3339,
    /// Seconds since 1970, whole or not.
    UnixS,
    /// Milliseconds since 1970.
    UnixMs,
    /// A strptime pattern, at this offset where the pattern has none.
    Pattern(String, Offset),
}

impl TimeFormat {
    /// Compiles `format` and `tz`; the error says what to write.
    pub(crate) fn parse(format: &str, tz: Option<&str>) -> Result<TimeFormat, String> {
        let offset = tz.map_or(Ok(Offset::UTC), parse_offset)?;
        match format {
            "rfc3339" => Ok(TimeFormat::Rfc3339),
            "unix_s" => Ok(TimeFormat::UnixS),
            "unix_ms" => Ok(TimeFormat::UnixMs),
            pattern if pattern.contains('%') => {
                let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
                jiff::fmt::strtime::format(pattern, &sample).map_err(|error| {
                    format!("format `{pattern}` is no strptime pattern: {error}")
                })?;
                Ok(TimeFormat::Pattern(pattern.to_owned(), offset))
            }
            other => Err(format!(
                "format `{other}`: write rfc3339, unix_s, unix_ms or a strptime pattern with `%`"
            )),
        }
    }

    /// What to write, for messages.
    pub(crate) fn expected(&self) -> String {
        match self {
            TimeFormat::Rfc3339 => "an RFC 3339 date-time".to_owned(),
            TimeFormat::UnixS => "seconds since 1970".to_owned(),
            TimeFormat::UnixMs => "milliseconds since 1970".to_owned(),
            TimeFormat::Pattern(pattern, _) => format!("a time as {pattern}"),
        }
    }

    /// The time that the value says; none where it cannot be read.
    pub(crate) fn read(&self, value: &Value) -> Option<TimeMs> {
        match self {
            TimeFormat::Rfc3339 => value.as_str()?.parse().ok(),
            TimeFormat::UnixS => {
                let whole = |s: i64| s.checked_mul(1000).map(TimeMs);
                match number(value)? {
                    Number::Whole(s) => whole(s),
                    Number::Real(s) if s.abs() < 1e12 => Some(TimeMs((s * 1e3).round() as i64)),
                    Number::Real(_) => None,
                }
            }
            TimeFormat::UnixMs => match number(value)? {
                Number::Whole(ms) => Some(TimeMs(ms)),
                Number::Real(ms) if ms.abs() < 1e15 => Some(TimeMs(ms.round() as i64)),
                Number::Real(_) => None,
            },
            TimeFormat::Pattern(pattern, offset) => {
                let broken = BrokenDownTime::parse(pattern, value.as_str()?).ok()?;
                let timestamp = match broken.offset() {
                    Some(_) => broken.to_timestamp().ok()?,
                    None => {
                        let date = broken.to_date().ok()?;
                        let time = broken.to_time().unwrap_or(jiff::civil::Time::midnight());
                        offset.to_timestamp(date.to_datetime(time)).ok()?
                    }
                };
                Some(TimeMs(timestamp.as_millisecond()))
            }
        }
    }
}

enum Number {
    Whole(i64),
    Real(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(n) => n.as_i64().map(Number::Whole).or(n.as_f64().map(Number::Real)),
        Value::String(text) => {
            let text = text.trim();
            let real = || text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Number::Real);
            text.parse::<i64>().ok().map(Number::Whole).or_else(real)
        }
        _ => None,
    }
}

/// `UTC`, `Z` or `±HH:MM`. Named zones would need a time zone database, which changes under us
/// and would make two runs differ.
fn parse_offset(tz: &str) -> Result<Offset, String> {
    let problem = || format!("tz `{tz}`: write UTC or a fixed offset such as +02:00");
    if matches!(tz, "UTC" | "Z") {
        return Ok(Offset::UTC);
    }
    let (sign, rest) = match (tz.strip_prefix('+'), tz.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return Err(problem()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(problem)?;
    let part = |text: &str, max: i32| {
        text.parse::<i32>().ok().filter(|n| text.len() == 2 && (0..=max).contains(n))
    };
    let hours = part(hours, 14).ok_or_else(problem)?;
    let minutes = part(minutes, 59).ok_or_else(problem)?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| problem())
}
