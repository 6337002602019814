//! The model to JSON, one line each, without the line's end.

use quell_model::event::{IdentityLink, Volume};
use quell_model::{Event, Output};
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
        Event::Contact(event) => line(event),
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

/// The model's types have text keys and no failing serializers, so JSON always comes out.
fn line<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
