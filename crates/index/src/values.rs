//! Values as people and clients write them.

use quell_model::TimeMs;
use quell_model::event::{Channel, Kind, Status};
use quell_model::time::DAY_MS;
use tantivy::Term;

use crate::compile::Problem;
use crate::document::word;
use crate::schema::Asked;

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

/// An attribute's value as text.
pub(crate) fn attribute_text(asked: &Asked, value: &str) -> Term {
    let mut term = attribute_path(asked);
    term.append_type_and_str(value);
    term
}

/// An attribute's value as a number or a truth value.
pub(crate) fn attribute_number<T: tantivy::fastfield::FastValue>(asked: &Asked, value: T) -> Term {
    let mut term = attribute_path(asked);
    term.append_type_and_fast_value(value);
    term
}

fn attribute_path(asked: &Asked) -> Term {
    Term::from_field_json_path(asked.field, asked.path.as_deref().unwrap_or_default(), true)
}

/// A value as text, and as the number or truth value it may have been in the source.
pub(crate) fn attribute_terms(asked: &Asked, value: &str) -> Vec<Term> {
    let mut terms = vec![attribute_text(asked, value)];
    if let Ok(truth) = value.parse::<bool>() {
        terms.push(attribute_number(asked, truth));
    }
    if let Ok(whole) = value.parse::<i64>() {
        terms.push(attribute_number(asked, whole));
    } else if let Some(float) = finite(value) {
        // The engine writes whole floats as integers.
        let is_whole = float.fract() == 0.0 && float.abs() < 9e15;
        terms.push(if is_whole {
            attribute_number(asked, float as i64)
        } else {
            attribute_number(asked, float)
        });
    }
    terms
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
