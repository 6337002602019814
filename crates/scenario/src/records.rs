//! The events by which the sources tell of one contact.

use std::collections::BTreeMap;

use quell_model::event::{
    Channel, CustomerPatch, Direction, DurationsPatch, FeedbackPatch, Kind, LinksPatch,
    OutcomePatch, ReasonPatch, SCHEMA_VERSION, Scalar, Source, Status, Transcript, Volume,
};
use quell_model::event::{ContactEvent, ContactEventType, ContactPatch};
use quell_model::{Patch, TimeMs};
use serde::Serialize;

use crate::compose::Words;
use crate::draw::Draw;
use crate::phrases::PRODUCTS;
use crate::scenario::Records;

const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 3_600_000.0;

/// One contact, ready to be told of.
pub(crate) struct ToldContact<'a> {
    pub(crate) id: &'a str,
    pub(crate) at_ms: i64,
    pub(crate) channel: Channel,
    pub(crate) customer_id: Option<&'a str>,
    pub(crate) segment: Option<&'a str>,
    pub(crate) dimensions: Vec<(&'a str, &'a str)>,
    pub(crate) order: Option<&'a str>,
    pub(crate) product: usize,
    /// As the source names it, where it does.
    pub(crate) language: Option<&'a str>,
    pub(crate) agent_code: Option<&'a str>,
    pub(crate) words: &'a Words,
    pub(crate) message_id: Option<&'a str>,
    /// First and previous leg of the call that this one goes on with.
    pub(crate) leg_of: Option<(&'a str, &'a str)>,
    pub(crate) transferred: bool,
    pub(crate) solved: bool,
    /// When the person asks to be forgotten.
    pub(crate) erased_at_ms: Option<i64>,
}

/// The events of one contact, in the order they happen.
pub(crate) struct Told {
    pub(crate) events: Vec<ContactEvent>,
    /// When the exchange is over for the customer.
    pub(crate) end_ms: i64,
}

/// What the sources say of a contact.
pub(crate) fn tell(contact: &ToldContact<'_>, records: &Records, draw: &mut Draw) -> Told {
    let mut teller = Teller { contact, events: Vec::new() };
    let opened = teller.opened();
    teller.push(ContactEventType::Opened, contact.at_ms, opened);
    let end_ms = match (records.lifecycle, kind(contact.channel)) {
        (false, _) => contact.at_ms,
        (true, Kind::Call) => teller.call(draw),
        (true, _) => teller.ticket(records, draw),
    };
    if let Some(at_ms) = contact.erased_at_ms {
        teller.push(ContactEventType::Erased, at_ms, ContactPatch::default());
    }
    Told { events: teller.events, end_ms }
}

/// What the source calls a contact of this channel.
pub(crate) fn kind(channel: Channel) -> Kind {
    match channel {
        Channel::Voice => Kind::Call,
        Channel::Chat | Channel::Messaging | Channel::Sms | Channel::Social => Kind::Conversation,
        _ => Kind::Ticket,
    }
}

struct Teller<'a> {
    contact: &'a ToldContact<'a>,
    events: Vec<ContactEvent>,
}

impl Teller<'_> {
    fn push(&mut self, event_type: ContactEventType, at_ms: i64, mut patch: ContactPatch) {
        let contact = self.contact;
        patch.id = contact.id.to_owned();
        patch.kind = kind(contact.channel);
        patch.updated_at = Patch::Set(TimeMs(at_ms));
        let opened = event_type == ContactEventType::Opened;
        self.events.push(ContactEvent {
            schema_version: SCHEMA_VERSION,
            event_id: format!("{}-{}", contact.id, self.events.len() + 1),
            event_type,
            event_time: TimeMs(at_ms),
            source: Source {
                system: system(contact.channel).to_owned(),
                instance: None,
                native_type: None,
                message_id: contact.message_id.filter(|_| opened).map(str::to_owned),
            },
            contact: patch,
        });
    }

    fn opened(&self) -> ContactPatch {
        let contact = self.contact;
        let text = |text: &str| match text {
            "" => Patch::Absent,
            text => Patch::Set(text.to_owned()),
        };
        let mut attributes: BTreeMap<String, Patch<Scalar>> = BTreeMap::new();
        for (name, value) in &contact.dimensions {
            attributes.insert((*name).to_owned(), Patch::Set(Scalar::Text((*value).to_owned())));
        }
        if let Some(order) = contact.order {
            attributes.insert("order_id".to_owned(), Patch::Set(Scalar::Text(order.to_owned())));
        }
        let customer = contact.customer_id.map(|id| CustomerPatch {
            id: Patch::Set(id.to_owned()),
            account_id: Patch::Absent,
            segment: contact.segment.map(str::to_owned).into(),
        });
        let links = contact.leg_of.map(|(first, previous)| LinksPatch {
            initial_id: Patch::Set(first.to_owned()),
            previous_id: Patch::Set(previous.to_owned()),
            ..LinksPatch::default()
        });
        ContactPatch {
            channel: Patch::Set(contact.channel),
            direction: Patch::Set(Direction::Inbound),
            customer: customer.into(),
            links: links.into(),
            opened_at: Patch::Set(TimeMs(contact.at_ms)),
            status: Patch::Set(Status::New),
            language: contact.language.map(str::to_owned).into(),
            subject: text(&contact.words.subject),
            body: text(&contact.words.body),
            product: PRODUCTS.get(contact.product).map(|code| (*code).to_owned()).into(),
            attributes: if attributes.is_empty() { Patch::Absent } else { Patch::Set(attributes) },
            ..ContactPatch::default()
        }
    }

    fn call(&mut self, draw: &mut Draw) -> i64 {
        let contact = self.contact;
        let wait_s = draw.exponential(75.0).min(3_600.0).round();
        let said_ms = contact.words.turns.last().and_then(|turn| turn.offset_ms).unwrap_or(0);
        let handle_s = (draw.lognormal(300.0, 0.5).min(5_400.0) + said_ms as f64 / 1e3).round();
        let end_ms = contact.at_ms + ((wait_s + handle_s) * 1e3) as i64;
        let transcript = Transcript {
            redacted: Some(false),
            reference: None,
            turns: contact.words.turns.clone(),
        };
        let patch = ContactPatch { transcript: Patch::Set(transcript), ..ContactPatch::default() };
        self.push(ContactEventType::Transcript, end_ms + 2_000, patch);
        let durations = DurationsPatch {
            wait: Patch::Set(wait_s),
            handle: Patch::Set(handle_s),
            hold: Patch::Set((handle_s * 0.2 * draw.unit()).round()),
            wrap_up: Patch::Set(draw.exponential(40.0).min(900.0).round()),
        };
        let patch = ContactPatch { durations: Patch::Set(durations), ..self.closed(end_ms, draw) };
        self.push(ContactEventType::Closed, end_ms, patch);
        end_ms
    }

    fn ticket(&mut self, records: &Records, draw: &mut Draw) -> i64 {
        let live = kind(self.contact.channel) == Kind::Conversation;
        let (answer_mean_ms, close_mean_ms, handle_s) = if live {
            (2.0 * MINUTE_MS, 12.0 * MINUTE_MS, 480.0)
        } else {
            (4.0 * HOUR_MS, 20.0 * HOUR_MS, 360.0)
        };
        let answered_ms = self.contact.at_ms + 20_000 + draw.exponential(answer_mean_ms) as i64;
        let answered = ContactPatch {
            status: Patch::Set(Status::Pending),
            first_response_at: Patch::Set(TimeMs(answered_ms)),
            agent_id: Patch::Set(format!("agent-{:03}", draw.below(120))),
            team: Patch::Set(format!("team-{}", 1 + draw.below(6))),
            ..ContactPatch::default()
        };
        self.push(ContactEventType::Updated, answered_ms, answered);
        let mut end_ms = answered_ms + 30_000 + draw.exponential(close_mean_ms) as i64;
        let durations = DurationsPatch {
            handle: Patch::Set(draw.lognormal(handle_s, 0.6).min(7_200.0).round()),
            ..DurationsPatch::default()
        };
        let patch = ContactPatch { durations: Patch::Set(durations), ..self.closed(end_ms, draw) };
        self.push(ContactEventType::Closed, end_ms, patch);
        if draw.chance(records.reopened_share.0) {
            end_ms = self.reopened(end_ms, draw);
        }
        if draw.chance(records.feedback_share.0) {
            let best = if self.contact.solved { 5 } else { 3 };
            let feedback = FeedbackPatch {
                csat: Patch::Set((1 + draw.below(best)) as f64),
                csat_max: Patch::Set(5.0),
                ..FeedbackPatch::default()
            };
            let patch = ContactPatch { feedback: Patch::Set(feedback), ..ContactPatch::default() };
            let at_ms = end_ms + draw.exponential(6.0 * HOUR_MS) as i64;
            self.push(ContactEventType::Feedback, at_ms, patch);
        }
        end_ms
    }

    /// The same record solved, opened once more, and solved again: no contact of its own.
    fn reopened(&mut self, solved_ms: i64, draw: &mut Draw) -> i64 {
        let again_ms = solved_ms + 60_000 + draw.exponential(24.0 * HOUR_MS) as i64;
        let patch = ContactPatch {
            status: Patch::Set(Status::Open),
            resolved_at: Patch::Cleared,
            reopen_count: Patch::Set(1),
            ..ContactPatch::default()
        };
        self.push(ContactEventType::Reopened, again_ms, patch);
        let end_ms = again_ms + 60_000 + draw.exponential(10.0 * HOUR_MS) as i64;
        let patch = self.closed(end_ms, draw);
        self.push(ContactEventType::Closed, end_ms, patch);
        end_ms
    }

    fn closed(&self, at_ms: i64, draw: &mut Draw) -> ContactPatch {
        let contact = self.contact;
        let reason = contact.agent_code.map(|code| ReasonPatch {
            agent_code: Patch::Set(code.to_owned()),
            ..ReasonPatch::default()
        });
        // A desk often holds solved what comes back later.
        let resolved = contact.solved || draw.chance(0.4);
        let outcome = OutcomePatch {
            resolved: Patch::Set(resolved && !contact.transferred),
            transferred: Patch::Set(contact.transferred),
            ..OutcomePatch::default()
        };
        ContactPatch {
            status: Patch::Set(Status::Solved),
            resolved_at: Patch::Set(TimeMs(at_ms)),
            closed_at: Patch::Set(TimeMs(at_ms)),
            reason: reason.into(),
            outcome: Patch::Set(outcome),
            ..ContactPatch::default()
        }
    }
}

fn system(channel: Channel) -> &'static str {
    match kind(channel) {
        Kind::Call => "shop-phone",
        Kind::Conversation => "shop-chat",
        Kind::Ticket => "shop-desk",
    }
}

/// A count of units in one hour as an input line.
pub(crate) fn volume_line(
    unit: &str,
    dimension: Option<(&str, &str)>,
    (start_ms, end_ms): (i64, i64),
    count: u64,
) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct VolumeEvent {
        event_type: &'static str,
        #[serde(flatten)]
        volume: Volume,
    }
    let part = dimension.map_or(String::new(), |(_, value)| format!("-{value}"));
    let dimensions = dimension.map(|(name, value)| (name.to_owned(), value.to_owned()));
    serde_json::to_vec(&VolumeEvent {
        event_type: "volume",
        volume: Volume {
            schema_version: SCHEMA_VERSION,
            event_id: format!("{unit}-{}{part}", start_ms / 1_000),
            event_time: TimeMs(end_ms),
            source: Source { system: "shop-orders".to_owned(), ..Source::default() },
            exposure_unit: unit.to_owned(),
            period_start: TimeMs(start_ms),
            period_end: TimeMs(end_ms),
            count,
            dimensions: dimensions.into_iter().collect(),
        },
    })
}
