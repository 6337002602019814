//! The model to JSON, one line each, without the line's end.

use quell_model::event::{IdentityLink, Volume};
use quell_model::{ContactEvent, Event, Output, Patch};
use serde::Serialize;

use crate::canonical::{IDENTITY_LINK, VOLUME};

#[derive(Serialize)]
struct Named<'a, T> {
    event_type: &'static str,
    #[serde(flatten)]
    event: &'a T,
}

/// The event as canonical JSON on one line; [`crate::decode`] reads the same event back.
pub fn encode_event(event: &Event) -> Vec<u8> {
    match event {
        Event::Contact(event) => contact(event),
        Event::Volume(event) => line(&Named::<Volume> { event_type: VOLUME, event }),
        Event::IdentityLink(event) => {
            line(&Named::<IdentityLink> { event_type: IDENTITY_LINK, event })
        }
        Event::Noted(noted) => noted.json.clone().into_bytes(),
    }
}

/// The row of a derived topic as JSON on one line; none where the output removes the row.
pub fn encode_output(output: &Output) -> Option<Vec<u8>> {
    match output {
        Output::Contact { contact, .. } => contact.as_ref().map(line),
        Output::Repeat { report, .. } => report.as_ref().map(line),
        Output::Trend { row, .. } => row.as_ref().map(line),
        Output::Issue { issue, .. } => issue.as_ref().map(line),
    }
}

/// An attribute that is absent must not be written: JSON would say null, which clears it.
fn contact(event: &ContactEvent) -> Vec<u8> {
    let attributes = event.contact.attributes.value();
    if attributes.is_none_or(|attributes| !attributes.values().any(Patch::is_absent)) {
        return line(event);
    }
    let mut event = event.clone();
    if let Some(attributes) = event.contact.attributes.value_mut() {
        attributes.retain(|_, value| !value.is_absent());
    }
    line(&event)
}

/// The model's types have text keys and no failing serializers, so JSON always comes out.
fn line<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
