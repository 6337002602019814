//! Canonical JSON to events.

use quell_model::event::{
    ContactEventType, ContactPatch, IdentityLink, NotedKind, SCHEMA_VERSION, Source, Volume,
};
use quell_model::{ContactEvent, Event, TimeMs};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::check::Checker;
use crate::envelope::Change;
use crate::json;
use crate::noted;
use crate::objects;
use crate::reject::{Cause, Reject};

/// The `event_type` of a [`Volume`].
pub(crate) const VOLUME: &str = "volume";
/// The `event_type` of an [`IdentityLink`].
pub(crate) const IDENTITY_LINK: &str = "identity.link";

/// A plain contact event, with a look at what would make it an envelope instead.
#[derive(Deserialize)]
struct PlainContact {
    schema_version: u32,
    event_id: String,
    event_type: ContactEventType,
    event_time: TimeMs,
    source: Source,
    contact: ContactPatch,
    specversion: Option<IgnoredAny>,
    payload: Option<IgnoredAny>,
    op: Option<IgnoredAny>,
}

/// Reads a plain contact event straight into its type. None where it is anything else or has a
/// fault: then [`decode`] finds out what.
pub(crate) fn fast(text: &str, checker: &Checker) -> Option<Result<Event, Reject>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let plain: PlainContact = objects::read(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    let envelope = plain.specversion.or(plain.payload).or(plain.op);
    if envelope.is_some() || plain.schema_version != SCHEMA_VERSION {
        return None;
    }
    let mut event = ContactEvent {
        schema_version: plain.schema_version,
        event_id: plain.event_id,
        event_type: plain.event_type,
        event_time: plain.event_time,
        source: plain.source,
        contact: plain.contact,
    };
    Some(checker.contact_event(&mut event).map(|()| Event::Contact(Box::new(event))))
}

/// Reads any canonical input.
///
/// # Errors
/// A [`Reject`] that names the JSON pointer.
pub(crate) fn decode(document: &Value, checker: &Checker) -> Result<Event, Reject> {
    if !document.is_object() {
        return Err(Reject::new(Cause::NotAnObject, "expected a JSON object"));
    }
    check_version(document)?;
    let event_type = match json::member(document, "event_type") {
        None => return Err(Reject::at(Cause::MissingField, "/event_type", "an event type")),
        Some(Value::String(event_type)) => event_type.as_str(),
        Some(_) => return Err(Reject::at(Cause::WrongType, "/event_type", "text")),
    };
    if event_type.starts_with("contact.") {
        return contact(document, checker);
    }
    match event_type {
        VOLUME => {
            let volume: Volume = json::typed(document)?;
            checker.volume(&volume)?;
            Ok(Event::Volume(volume))
        }
        IDENTITY_LINK => {
            let link: IdentityLink = json::typed(document)?;
            checker.identity_link(&link)?;
            Ok(Event::IdentityLink(link))
        }
        _ => match NotedKind::ALL.iter().find(|kind| kind.event_type() == event_type) {
            Some(kind) => noted::decode(*kind, document, checker).map(Event::Noted),
            None => Err(unknown_event_type()),
        },
    }
}

/// Lets the envelope's operation have its say: a deletion deletes, history is a snapshot.
pub(crate) fn apply_operation(
    event: &mut Event,
    change: &Change,
    checker: &Checker,
) -> Result<(), Reject> {
    let Event::Contact(event) = event else { return Ok(()) };
    if change.deleted {
        event.event_type = ContactEventType::Deleted;
        if let Some(at) = change.changed_at {
            checker.time("/source/ts_ms", at)?;
            event.event_time = at;
        }
    } else if change.backfill
        && matches!(event.event_type, ContactEventType::Opened | ContactEventType::Updated)
    {
        event.event_type = ContactEventType::Snapshot;
    }
    Ok(())
}

fn check_version(document: &Value) -> Result<(), Reject> {
    let pointer = "/schema_version";
    match json::member(document, "schema_version") {
        None => Err(Reject::at(Cause::MissingField, pointer, SCHEMA_VERSION)),
        Some(version) if version.as_u64() == Some(u64::from(SCHEMA_VERSION)) => Ok(()),
        Some(Value::Number(_)) => {
            Err(Reject::at(Cause::UnknownSchemaVersion, pointer, SCHEMA_VERSION))
        }
        Some(_) => Err(Reject::at(Cause::WrongType, pointer, "a number")),
    }
}

fn contact(document: &Value, checker: &Checker) -> Result<Event, Reject> {
    let event_type = json::member(document, "event_type").cloned().unwrap_or_default();
    if ContactEventType::deserialize(event_type).is_err() {
        return Err(unknown_event_type());
    }
    let Some(contact) = json::member(document, "contact") else {
        return Err(Reject::at(Cause::MissingField, "/contact", "an object"));
    };
    if contact.is_object() && json::member(contact, "id").is_none_or(Value::is_null) {
        return Err(Reject::at(Cause::MissingContactId, "/contact/id", "the source's contact id"));
    }
    let mut event: ContactEvent = json::typed(document)?;
    checker.contact_event(&mut event)?;
    Ok(Event::Contact(Box::new(event)))
}

fn unknown_event_type() -> Reject {
    let expected = "contact.*, volume, identity.link, action.command, callback.consent, promise, \
                    survey.response or mention, as in schemas/";
    Reject::at(Cause::UnknownEventType, "/event_type", expected)
}
