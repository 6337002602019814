//! The canonical fields that an adapter may fill, and their JSON types.

/// The JSON type of a canonical field: what a source's number or word is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    Text,
    Time,
    Number,
    Whole,
    Flag,
    Texts,
    /// Taken over as it is.
    Any,
}

use FieldType::{Any, Flag, Number, Text, Texts, Time, Whole};

/// The fields of `source`.
pub(crate) const SOURCE: &[&str] = &["system", "instance", "native_type", "message_id"];

/// The fields of `contact`, attributes apart.
pub(crate) const CONTACT: &[(&str, FieldType)] = &[
    ("id", Text),
    ("kind", Text),
    ("channel", Text),
    ("direction", Text),
    ("customer.id", Text),
    ("customer.account_id", Text),
    ("customer.segment", Text),
    ("links.initial_id", Text),
    ("links.previous_id", Text),
    ("links.parent_problem_id", Text),
    ("links.merged_into_id", Text),
    ("opened_at", Time),
    ("first_response_at", Time),
    ("resolved_at", Time),
    ("closed_at", Time),
    ("updated_at", Time),
    ("status", Text),
    ("status_native", Text),
    ("reopen_count", Whole),
    ("language", Text),
    ("subject", Text),
    ("body", Text),
    ("reason.agent_code", Text),
    ("reason.disposition", Text),
    ("reason.vendor_categories", Texts),
    ("tags", Texts),
    ("queue", Text),
    ("team", Text),
    ("agent_id", Text),
    ("product", Text),
    ("priority", Text),
    ("durations.wait", Number),
    ("durations.handle", Number),
    ("durations.hold", Number),
    ("durations.wrap_up", Number),
    ("outcome.resolved", Flag),
    ("outcome.transferred", Flag),
    ("outcome.abandoned", Flag),
    ("outcome.next_contact_avoided", Flag),
    ("outcome.disconnect_reason", Text),
    ("feedback.csat", Number),
    ("feedback.csat_max", Number),
    ("feedback.nps", Whole),
    ("feedback.comment", Text),
    ("transcript.redacted", Flag),
    ("transcript.ref", Text),
    ("transcript.turns", Any),
];

/// The type of a field of `contact`; none where there is no such field.
pub(crate) fn contact_field(name: &str) -> Option<FieldType> {
    CONTACT.iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
}
