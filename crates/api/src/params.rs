//! Query parameters: every one is known or refused, with the nearest right name.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use quell_model::TimeMs;

use crate::error::ApiError;

/// More parameters in one request are refused.
const MAX_PARAMETERS: usize = 1_000;
/// Names longer than this are not compared with the right ones.
const MAX_COMPARED_CHARS: usize = 40;

/// The parameters of a request, in order, decoded.
pub(crate) struct Given(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Given {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unreadable =
            |_: QueryRejection| ApiError::bad_parameter("the query string cannot be decoded");
        let Query(given) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(unreadable)?;
        if given.len() > MAX_PARAMETERS {
            let message = format!("more than {MAX_PARAMETERS} parameters");
            return Err(ApiError::bad_parameter(message));
        }
        Ok(Given(given))
    }
}

impl Given {
    /// Accepts these names, and those that begin with `open` (`attribute.`).
    pub(crate) fn known(
        self,
        names: &'static [&'static str],
        open: Option<&'static str>,
    ) -> Result<Params, ApiError> {
        let mut params = Params { values: BTreeMap::new() };
        for (name, value) in self.0 {
            let is_open = open
                .is_some_and(|open| name.strip_prefix(open).is_some_and(|rest| !rest.is_empty()));
            if !is_open && !names.contains(&name.as_str()) {
                return Err(unknown(&name, names, open));
            }
            params.values.entry(name).or_default().push(value);
        }
        Ok(params)
    }

    /// For routes without parameters.
    pub(crate) fn none(self) -> Result<(), ApiError> {
        self.known(&[], None).map(|_| ())
    }
}

/// The known parameters of a request.
pub(crate) struct Params {
    values: BTreeMap<String, Vec<String>>,
}

impl Params {
    /// The value of a parameter that may be given once. Empty counts as not given.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.values.get(name).map(Vec::as_slice) {
            None => Ok(None),
            Some([value]) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            Some(_) => Err(ApiError::bad_parameter(format!("{name}: may be given once only"))),
        }
    }

    /// The values of a parameter that may be given more than once, or separated by commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let each = self.each(name).flat_map(|value| value.split(',')).map(str::trim);
        each.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// The values of a parameter that may be given more than once.
    pub(crate) fn each(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The parameters that begin with `prefix`, without it.
    pub(crate) fn open(&self, prefix: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let mut found = BTreeMap::new();
        for name in self.values.keys() {
            if let Some(rest) = name.strip_prefix(prefix)
                && let Some(value) = self.one(name)?
            {
                found.insert(rest.to_owned(), value.to_owned());
            }
        }
        Ok(found)
    }

    /// A date-time, or a date that stands for its first moment in UTC.
    pub(crate) fn time(&self, name: &str) -> Result<Option<TimeMs>, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let time = TimeMs::from_str(text).or_else(|_| format!("{text}T00:00:00Z").parse());
        time.map(Some).map_err(|_| {
            let message = format!("{name}: not a date (2019-05-04) or RFC 3339 date-time");
            ApiError::bad_parameter(message)
                .hint("write 2019-05-04T01:30:00Z; a `+` in a query string is written %2B")
        })
    }

    /// A whole number within bounds.
    pub(crate) fn number<N>(&self, name: &str, usual: N, low: N, high: N) -> Result<N, ApiError>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.one(name)? else { return Ok(usual) };
        match text.parse() {
            Ok(number) if low <= number && number <= high => Ok(number),
            _ => {
                let message = format!("{name}: not a whole number from {low} to {high}");
                Err(ApiError::bad_parameter(message))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let message = format!("{name}: not one of {}", words.join(", "));
                Err(ApiError::bad_parameter(message))
            }
        }
    }
}

fn unknown(name: &str, names: &[&str], open: Option<&str>) -> ApiError {
    let shown: String = name.chars().take(MAX_COMPARED_CHARS).collect();
    let error = ApiError::bad_parameter(format!("there is no parameter {shown:?}"));
    let candidates = open.into_iter().chain(names.iter().copied());
    let nearest = candidates
        .clone()
        .map(|candidate| (distance(&shown, candidate.trim_end_matches('.')), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| {
            let length = candidate.chars().count();
            *distance < length && *distance <= 1 + length / 3
        });
    match nearest {
        Some((_, candidate)) if candidate.ends_with('.') => {
            error.hint(format!("did you mean `{candidate}NAME`?"))
        }
        Some((_, candidate)) => error.hint(format!("did you mean `{candidate}`?")),
        None if names.is_empty() => error.hint("this route takes no parameters"),
        None => {
            let all: Vec<&str> = candidates.collect();
            error.hint(format!("this route takes: {}", all.join(", ")))
        }
    }
}

/// How many characters must be added, removed or changed to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
