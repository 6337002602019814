//! Why a record was refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The closed list of causes. [`Cause::as_str`] is the word in dead letters, labels and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// The text is not JSON.
    InvalidJson,
    /// Longer than the limit.
    TooLarge,
    /// Objects and arrays nested deeper than the limit.
    TooDeep,
    /// Nothing but white space. Readers of lines skip these instead, see [`crate::is_blank`].
    Empty,
    /// JSON, but not an object.
    NotAnObject,
    /// A CloudEvents or Debezium envelope that is broken or not of a known version.
    WrongEnvelope,
    /// A schema version that this build does not read.
    UnknownSchemaVersion,
    /// A required field is not there.
    MissingField,
    /// A field's JSON type is not the one its schema asks for.
    WrongType,
    /// No input has this `event_type`.
    UnknownEventType,
    /// The contact has no id, so nothing can be done with it.
    MissingContactId,
    /// A time that cannot be read.
    BadTime,
    /// A time before 2000, from 2100 on, or too far ahead of the record's log time.
    TimeOutOfRange,
    /// A value of the right type that the schema does not allow.
    BadValue,
    /// The adapter's `match` says that this record is none of its source's.
    AdapterNoMatch,
}

impl Cause {
    /// Every cause, in order.
    pub const ALL: &[Cause] = &[
        Cause::InvalidUtf8,
        Cause::InvalidJson,
        Cause::TooLarge,
        Cause::TooDeep,
        Cause::Empty,
        Cause::NotAnObject,
        Cause::WrongEnvelope,
        Cause::UnknownSchemaVersion,
        Cause::MissingField,
        Cause::WrongType,
        Cause::UnknownEventType,
        Cause::MissingContactId,
        Cause::BadTime,
        Cause::TimeOutOfRange,
        Cause::BadValue,
        Cause::AdapterNoMatch,
    ];

    /// The word for dead letters, labels and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::InvalidUtf8 => "invalid_utf8",
            Cause::InvalidJson => "invalid_json",
            Cause::TooLarge => "too_large",
            Cause::TooDeep => "too_deep",
            Cause::Empty => "empty",
            Cause::NotAnObject => "not_an_object",
            Cause::WrongEnvelope => "wrong_envelope",
            Cause::UnknownSchemaVersion => "unknown_schema_version",
            Cause::MissingField => "missing_field",
            Cause::WrongType => "wrong_type",
            Cause::UnknownEventType => "unknown_event_type",
            Cause::MissingContactId => "missing_contact_id",
            Cause::BadTime => "bad_time",
            Cause::TimeOutOfRange => "time_out_of_range",
            Cause::BadValue => "bad_value",
            Cause::AdapterNoMatch => "adapter_no_match",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record that cannot be applied. It goes to the dead letters with its original bytes and
/// holds up nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The cause, for counting.
    pub cause: Cause,
    /// Where (JSON pointer, or line and column) and what was expected there. Holds names of
    /// fields, never their values: those are personal data.
    pub detail: String,
}

impl Reject {
    /// A reject with its detail.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Reject { cause, detail: detail.into() }
    }

    /// A reject for the field at a JSON pointer.
    pub(crate) fn at(cause: Cause, pointer: &str, expected: impl fmt::Display) -> Self {
        Reject::new(cause, format!("{pointer}: expected {expected}"))
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause, self.detail)
    }
}

impl std::error::Error for Reject {}
