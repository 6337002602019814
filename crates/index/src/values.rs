//! Values as people and clients write them.

use quell_model::TimeMs;
use quell_model::event::{Channel, Kind, Status};
use quell_model::time::DAY_MS;

use crate::compile::Problem;
use crate::condition::Typed;
use crate::document::word;

/// The span of time a text names: a day, or the millisecond of an exact time or of epoch
/// milliseconds. The end is exclusive.
pub(crate) fn time_span(text: &str) -> std::result::Result<(TimeMs, TimeMs), Problem> {
    if let Ok(time) = text.parse::<TimeMs>() {
        return Ok((time, time.plus_ms(1)));
    }
    if let Ok(day) = format!("{text}T00:00:00Z").parse::<TimeMs>() {
        return Ok((day, day.plus_ms(DAY_MS)));
    }
    if let Ok(ms) = text.parse::<i64>() {
        return Ok((TimeMs(ms), TimeMs(ms).plus_ms(1)));
    }
    Err(format!("`{text}` is no time: write 2019-05-04 or 2019-05-04T01:30:00Z"))
}

/// The value as a number that is one.
pub(crate) fn finite(value: &str) -> Option<f64> {
    value.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A value as text, and as the number or truth value it may have been in the source.
pub(crate) fn attribute_values(value: &str) -> Vec<Typed> {
    let mut values = vec![Typed::Word(value.to_owned())];
    if let Ok(truth) = value.parse::<bool>() {
        values.push(Typed::Truth(truth));
    }
    if let Ok(whole) = value.parse::<i64>() {
        values.push(Typed::Integer(whole));
    } else if let Some(float) = finite(value) {
        // The engine writes whole floats as integers.
        let is_whole = float.fract() == 0.0 && float.abs() < 9e15;
        values.push(if is_whole { Typed::Integer(float as i64) } else { Typed::Float(float) });
    }
    values
}

/// Fields whose values are a closed list refuse others: a typing error is not "no hits".
pub(crate) fn check_vocabulary(field: &str, value: &str) -> std::result::Result<(), Problem> {
    let known: Vec<String> = match field {
        "channel" => Channel::ALL.iter().map(|channel| channel.as_str().to_owned()).collect(),
        "status" => Status::ALL.iter().map(word).collect(),
        "kind" => Kind::ALL.iter().map(word).collect(),
        _ => return Ok(()),
    };
    if known.iter().any(|word| word == value) {
        return Ok(());
    }
    Err(format!("there is no {field} `{value}`; there are {}", known.join(", ")))
}
