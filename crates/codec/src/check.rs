//! What the types alone do not say: bounds, ranges, and which fields an event needs.

use std::collections::BTreeSet;

use quell_model::event::{
    ContactEventType, ContactPatch, FeedbackPatch, IdentityLink, Scalar, Source, Transcript, Volume,
};
use quell_model::{ContactEvent, Patch, TimeMs};

use crate::json::field_name;
use crate::reject::{Cause, Reject};

/// The longest `event_id` in bytes.
pub(crate) const MAX_EVENT_ID: usize = 256;
/// The longest id of anything else in bytes.
pub(crate) const MAX_ID: usize = 512;
/// The longest code, name or word in bytes.
pub(crate) const MAX_WORD: usize = 1024;
/// The longest subject in bytes.
const MAX_SUBJECT: usize = 8 << 10;
/// The longest comment or spoken turn in bytes.
pub(crate) const MAX_TEXT: usize = 64 << 10;
/// The longest body in bytes.
const MAX_BODY: usize = 256 << 10;
const MAX_TURNS: usize = 10_000;
const MAX_ATTRIBUTES: usize = 200;
const MAX_ATTRIBUTE: usize = 4096;
const MAX_TAGS: usize = 200;
const MAX_CUSTOMER_IDS: usize = 100;
const MAX_DIMENSIONS: usize = 20;
/// Longer than any contact lasts: ten years in seconds.
const MAX_DURATION_S: f64 = 10.0 * 366.0 * 86_400.0;

/// 2000-01-01T00:00:00Z
const EARLIEST: TimeMs = TimeMs(946_684_800_000);
/// 2100-01-01T00:00:00Z
const LATEST: TimeMs = TimeMs(4_102_444_800_000);

/// Checks events against the bounds of their schema.
pub(crate) struct Checker {
    pub log_time: TimeMs,
    pub max_future_ms: i64,
}

impl Checker {
    /// A time that has passed when the record was taken, or nearly.
    pub(crate) fn time(&self, pointer: &str, time: TimeMs) -> Result<(), Reject> {
        self.date(pointer, time)?;
        if time.since_ms(self.log_time) > self.max_future_ms {
            let ahead_s = self.max_future_ms / 1000;
            let expected = format!("a time at most {ahead_s} s ahead of the record's log time");
            return Err(Reject::at(Cause::TimeOutOfRange, pointer, expected));
        }
        Ok(())
    }

    /// A time that may lie ahead, such as a due date.
    pub(crate) fn date(&self, pointer: &str, time: TimeMs) -> Result<(), Reject> {
        if time < EARLIEST || time >= LATEST {
            let expected = "a time from 2000-01-01 on and before 2100-01-01";
            return Err(Reject::at(Cause::TimeOutOfRange, pointer, expected));
        }
        Ok(())
    }

    /// What all inputs begin with.
    pub(crate) fn head(&self, event_id: &str, at: TimeMs, source: &Source) -> Result<(), Reject> {
        name("/event_id", event_id, MAX_EVENT_ID)?;
        self.time("/event_time", at)?;
        id("/source/system", &source.system)?;
        for (pointer, text) in [
            ("/source/instance", &source.instance),
            ("/source/native_type", &source.native_type),
            ("/source/message_id", &source.message_id),
        ] {
            text.as_deref().map_or(Ok(()), |text| id(pointer, text))?;
        }
        Ok(())
    }

    pub(crate) fn contact_event(&self, event: &mut ContactEvent) -> Result<(), Reject> {
        self.head(&event.event_id, event.event_time, &event.source)?;
        let contact = &mut event.contact;
        if contact.id.is_empty() {
            let expected = "the source's contact id";
            return Err(Reject::at(Cause::MissingContactId, "/contact/id", expected));
        }
        id("/contact/id", &contact.id)?;
        self.contact_ids(contact)?;
        self.contact_times(contact)?;
        contact_texts(contact)?;
        contact_numbers(contact)?;
        self.contact_lists(contact)?;
        let missing = match event.event_type {
            ContactEventType::Opened if contact.channel.value().is_none() => "/contact/channel",
            ContactEventType::Opened if contact.opened_at.value().is_none() => "/contact/opened_at",
            ContactEventType::Transcript if contact.transcript.value().is_none() => {
                "/contact/transcript"
            }
            _ => return Ok(()),
        };
        Err(Reject::at(Cause::MissingField, missing, "a value for this event type"))
    }

    fn contact_ids(&self, contact: &mut ContactPatch) -> Result<(), Reject> {
        if let Some(customer) = contact.customer.value_mut() {
            for (pointer, field) in [
                ("/contact/customer/id", &mut customer.id),
                ("/contact/customer/account_id", &mut customer.account_id),
            ] {
                if field.value().is_some_and(String::is_empty) {
                    *field = Patch::Absent;
                }
                patch(field, |text| id(pointer, text))?;
            }
            patch(&customer.segment, |text| word("/contact/customer/segment", text))?;
        }
        if let Some(links) = contact.links.value() {
            for (pointer, field) in [
                ("/contact/links/initial_id", &links.initial_id),
                ("/contact/links/previous_id", &links.previous_id),
                ("/contact/links/parent_problem_id", &links.parent_problem_id),
                ("/contact/links/merged_into_id", &links.merged_into_id),
            ] {
                patch(field, |text| id(pointer, text))?;
            }
        }
        Ok(())
    }

    fn contact_times(&self, contact: &ContactPatch) -> Result<(), Reject> {
        for (pointer, field) in [
            ("/contact/opened_at", &contact.opened_at),
            ("/contact/first_response_at", &contact.first_response_at),
            ("/contact/resolved_at", &contact.resolved_at),
            ("/contact/closed_at", &contact.closed_at),
            ("/contact/updated_at", &contact.updated_at),
        ] {
            patch(field, |time| self.time(pointer, *time))?;
        }
        Ok(())
    }

    fn contact_lists(&self, contact: &mut ContactPatch) -> Result<(), Reject> {
        if let Some(tags) = contact.tags.value() {
            words("/contact/tags", tags)?;
        }
        if let Some(categories) = contact.reason.value().and_then(|r| r.vendor_categories.value()) {
            words("/contact/reason/vendor_categories", categories)?;
        }
        if let Some(transcript) = contact.transcript.value_mut() {
            self.transcript(transcript)?;
        }
        let Some(attributes) = contact.attributes.value() else { return Ok(()) };
        at_most("/contact/attributes", attributes.len(), MAX_ATTRIBUTES, "attributes")?;
        for (key, value) in attributes {
            let pointer = || format!("/contact/attributes/{}", field_name(key));
            if key.is_empty() || key.len() > MAX_WORD || key.contains('\0') {
                let expected = "a name of 1 to 1024 bytes without NUL";
                return Err(Reject::at(Cause::BadValue, &pointer(), expected));
            }
            if let Some(Scalar::Text(text)) = value.value()
                && (text.len() > MAX_ATTRIBUTE || text.contains('\0'))
            {
                let expected = "at most 4096 bytes without NUL";
                return Err(Reject::at(Cause::BadValue, &pointer(), expected));
            }
        }
        Ok(())
    }

    fn transcript(&self, transcript: &mut Transcript) -> Result<(), Reject> {
        let pointer = "/contact/transcript/turns";
        at_most(pointer, transcript.turns.len(), MAX_TURNS, "turns")?;
        if let Some(reference) = &transcript.reference {
            word("/contact/transcript/ref", reference)?;
        }
        for (n, turn) in transcript.turns.iter_mut().enumerate() {
            if let Some(at) = turn.at {
                self.time(&format!("{pointer}/{n}/at"), at)?;
            }
            if turn.sentiment.is_some_and(|sentiment| !(-1.0..=1.0).contains(&sentiment)) {
                let place = format!("{pointer}/{n}/sentiment");
                return Err(Reject::at(Cause::BadValue, &place, "a number from -1 to 1"));
            }
            if turn.text.len() > MAX_TEXT {
                let place = format!("{pointer}/{n}/text");
                return Err(Reject::at(Cause::BadValue, &place, "at most 65536 bytes"));
            }
            replace_nul(&mut turn.text);
        }
        Ok(())
    }

    pub(crate) fn volume(&self, volume: &Volume) -> Result<(), Reject> {
        self.head(&volume.event_id, volume.event_time, &volume.source)?;
        id("/exposure_unit", &volume.exposure_unit)?;
        self.date("/period_start", volume.period_start)?;
        self.date("/period_end", volume.period_end)?;
        if volume.period_end <= volume.period_start {
            return Err(Reject::at(Cause::BadValue, "/period_end", "a time after period_start"));
        }
        at_most("/dimensions", volume.dimensions.len(), MAX_DIMENSIONS, "dimensions")?;
        for (key, value) in &volume.dimensions {
            let pointer = format!("/dimensions/{}", field_name(key));
            id(&pointer, key)?;
            word(&pointer, value)?;
        }
        Ok(())
    }

    pub(crate) fn identity_link(&self, link: &IdentityLink) -> Result<(), Reject> {
        self.head(&link.event_id, link.event_time, &link.source)?;
        let pointer = "/customer_ids";
        at_most(pointer, link.customer_ids.len(), MAX_CUSTOMER_IDS, "customer ids")?;
        for (n, customer_id) in link.customer_ids.iter().enumerate() {
            id(&format!("{pointer}/{n}"), customer_id)?;
        }
        if link.customer_ids.iter().collect::<BTreeSet<_>>().len() < 2 {
            return Err(Reject::at(Cause::BadValue, pointer, "two or more different ids"));
        }
        Ok(())
    }
}

fn contact_texts(contact: &mut ContactPatch) -> Result<(), Reject> {
    for (pointer, field, max) in [
        ("/contact/subject", &mut contact.subject, MAX_SUBJECT),
        ("/contact/body", &mut contact.body, MAX_BODY),
    ] {
        long_text(pointer, field, max)?;
    }
    for (pointer, field) in [
        ("/contact/status_native", &contact.status_native),
        ("/contact/language", &contact.language),
        ("/contact/queue", &contact.queue),
        ("/contact/team", &contact.team),
        ("/contact/agent_id", &contact.agent_id),
        ("/contact/product", &contact.product),
        ("/contact/priority", &contact.priority),
    ] {
        patch(field, |text| word(pointer, text))?;
    }
    if let Some(reason) = contact.reason.value() {
        patch(&reason.agent_code, |text| word("/contact/reason/agent_code", text))?;
        patch(&reason.disposition, |text| word("/contact/reason/disposition", text))?;
    }
    if let Some(outcome) = contact.outcome.value() {
        let pointer = "/contact/outcome/disconnect_reason";
        patch(&outcome.disconnect_reason, |text| word(pointer, text))?;
    }
    Ok(())
}

fn contact_numbers(contact: &mut ContactPatch) -> Result<(), Reject> {
    if let Some(durations) = contact.durations.value() {
        for (pointer, field) in [
            ("/contact/durations/wait", &durations.wait),
            ("/contact/durations/handle", &durations.handle),
            ("/contact/durations/hold", &durations.hold),
            ("/contact/durations/wrap_up", &durations.wrap_up),
        ] {
            let expected = "seconds from 0 to ten years";
            patch(field, |s| in_range(pointer, *s, 0.0, MAX_DURATION_S, expected))?;
        }
    }
    match contact.feedback.value_mut() {
        Some(feedback) => contact_feedback(feedback),
        None => Ok(()),
    }
}

fn contact_feedback(feedback: &mut FeedbackPatch) -> Result<(), Reject> {
    long_text("/contact/feedback/comment", &mut feedback.comment, MAX_TEXT)?;
    for (pointer, field) in [
        ("/contact/feedback/csat", &feedback.csat),
        ("/contact/feedback/csat_max", &feedback.csat_max),
    ] {
        patch(field, |score| in_range(pointer, *score, 0.0, 1000.0, "a number from 0 to 1000"))?;
    }
    let pointer = "/contact/feedback/nps";
    patch(&feedback.nps, |score| match score {
        0..=10 => Ok(()),
        _ => Err(Reject::at(Cause::BadValue, pointer, "a whole number from 0 to 10")),
    })
}

fn patch<T>(field: &Patch<T>, check: impl FnOnce(&T) -> Result<(), Reject>) -> Result<(), Reject> {
    field.value().map_or(Ok(()), check)
}

/// An id: 1 to 512 bytes without NUL.
pub(crate) fn id(pointer: &str, text: &str) -> Result<(), Reject> {
    name(pointer, text, MAX_ID)
}

fn name(pointer: &str, text: &str, max: usize) -> Result<(), Reject> {
    if text.is_empty() || text.len() > max || text.contains('\0') {
        let expected = format!("1 to {max} bytes without NUL");
        return Err(Reject::at(Cause::BadValue, pointer, expected));
    }
    Ok(())
}

/// A short text: at most 1024 bytes without NUL.
pub(crate) fn word(pointer: &str, text: &str) -> Result<(), Reject> {
    if text.len() > MAX_WORD || text.contains('\0') {
        let expected = format!("at most {MAX_WORD} bytes without NUL");
        return Err(Reject::at(Cause::BadValue, pointer, expected));
    }
    Ok(())
}

fn words(pointer: &str, list: &[String]) -> Result<(), Reject> {
    at_most(pointer, list.len(), MAX_TAGS, "entries")?;
    list.iter().enumerate().try_for_each(|(n, text)| {
        word(pointer, text)
            .map_err(|reject| Reject::new(reject.cause, format!("entry {n} of {}", reject.detail)))
    })
}

fn at_most(pointer: &str, found: usize, max: usize, what: &str) -> Result<(), Reject> {
    if found > max {
        let expected = format!("at most {max} {what}, found {found}");
        return Err(Reject::at(Cause::BadValue, pointer, expected));
    }
    Ok(())
}

pub(crate) fn in_range(
    pointer: &str,
    number: f64,
    min: f64,
    max: f64,
    expected: &str,
) -> Result<(), Reject> {
    if (min..=max).contains(&number) {
        Ok(())
    } else {
        Err(Reject::at(Cause::BadValue, pointer, expected))
    }
}

/// Words of a person: NUL, which no store and no terminal likes, becomes U+FFFD.
fn long_text(pointer: &str, field: &mut Patch<String>, max: usize) -> Result<(), Reject> {
    let Some(text) = field.value_mut() else { return Ok(()) };
    if text.len() > max {
        return Err(Reject::at(Cause::BadValue, pointer, format!("at most {max} bytes")));
    }
    replace_nul(text);
    Ok(())
}

pub(crate) fn replace_nul(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}
