//! Random events over a small space: few contacts, few customers, and times that lie exactly on
//! the edges of the windows. Small spaces make collisions, and collisions find defects.

use quell_faults::Seed;
use quell_model::event::{
    Channel, ContactEvent, ContactEventType, ContactPatch, CustomerPatch, Direction, Event,
    IdentityLink, LinksPatch, ReasonPatch, SCHEMA_VERSION, Scalar, Source, Status,
};
use quell_model::patch::Patch;
use quell_model::time::{DAY_MS, TimeMs};

/// 2026-01-01T00:00:00Z
pub const START: TimeMs = TimeMs(1_767_225_600_000);

/// Times of contact after [`START`]: the duplicate window (5 min) and the repeat window (7 days),
/// each with its edge and one millisecond more.
const OPENED_MS: [i64; 10] = [
    0,
    60_000,
    300_000,
    300_001,
    DAY_MS,
    7 * DAY_MS,
    7 * DAY_MS + 1,
    8 * DAY_MS,
    8 * DAY_MS + 300_000,
    15 * DAY_MS,
];

/// Texts of three content words each, without a word in common.
const TEXTS: [&str; 3] = ["parcel arrived broken", "invoice total wrong", "password reset expired"];

/// What a generated stream may hold.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Contacts.
    pub contacts: usize,
    /// Customers; a contact may also have none.
    pub customers: usize,
    /// Whether customers are declared to be one person.
    pub identities: bool,
    /// Whether contacts are erased.
    pub erasures: bool,
}

/// A stream of `count` events.
pub fn stream(seed: u64, count: usize, space: Space) -> Vec<Event> {
    let mut seed = Seed::new(seed);
    (0..count).map(|n| event(&mut seed, n, space)).collect()
}

/// A contact opened by a customer, with the agent's code for its reason.
pub fn opened_contact(id: &str, customer: &str, at: TimeMs, reason: &str) -> Event {
    Event::Contact(Box::new(ContactEvent {
        schema_version: SCHEMA_VERSION,
        event_id: format!("opened {id}"),
        event_type: ContactEventType::Opened,
        event_time: at,
        source: source(),
        contact: ContactPatch {
            id: id.to_owned(),
            opened_at: Patch::Set(at),
            customer: Patch::Set(CustomerPatch {
                id: Patch::Set(customer.to_owned()),
                ..CustomerPatch::default()
            }),
            reason: Patch::Set(ReasonPatch {
                agent_code: Patch::Set(reason.to_owned()),
                ..ReasonPatch::default()
            }),
            ..ContactPatch::default()
        },
    }))
}

fn event(seed: &mut Seed, n: usize, space: Space) -> Event {
    if space.identities && seed.below(12) == 0 {
        let one = seed.below(space.customers);
        let other = one + 1 + seed.below(space.customers - 1);
        return Event::IdentityLink(IdentityLink {
            schema_version: SCHEMA_VERSION,
            event_id: format!("i{n}"),
            event_time: START,
            source: source(),
            customer_ids: vec![format!("c{one}"), format!("c{}", other % space.customers)],
        });
    }
    let event_type = match seed.below(14) {
        0..=6 => ContactEventType::Opened,
        7..=9 => ContactEventType::Updated,
        10 => ContactEventType::Closed,
        11 => ContactEventType::Reopened,
        12 => ContactEventType::Message,
        13 if space.erasures => ContactEventType::Erased,
        _ => ContactEventType::Deleted,
    };
    let mut contact = patch(seed, space);
    if event_type == ContactEventType::Opened {
        contact.channel = Patch::Set(Channel::Email);
        contact.opened_at = Patch::Set(opened(seed));
    }
    Event::Contact(Box::new(ContactEvent {
        schema_version: SCHEMA_VERSION,
        event_id: format!("e{n}"),
        event_type,
        // Times of events repeat, so that stamps need their tie breakers.
        event_time: START.plus_ms(seed.below(8) as i64 * 1_000),
        source: source(),
        contact,
    }))
}

fn source() -> Source {
    Source { system: "shop".to_owned(), ..Source::default() }
}

fn opened(seed: &mut Seed) -> TimeMs {
    START.plus_ms(OPENED_MS[seed.below(OPENED_MS.len())])
}

fn maybe<T>(seed: &mut Seed, value: impl FnOnce(&mut Seed) -> T) -> Patch<T> {
    match seed.below(6) {
        0..=2 => Patch::Absent,
        3 => Patch::Cleared,
        _ => Patch::Set(value(seed)),
    }
}

fn patch(seed: &mut Seed, space: Space) -> ContactPatch {
    let order = |seed: &mut Seed| {
        let value = maybe(seed, |seed| Scalar::Text(format!("o{}", seed.below(2))));
        [("order_id".to_owned(), value)].into_iter().collect()
    };
    ContactPatch {
        id: format!("k{}", seed.below(space.contacts)),
        customer: maybe(seed, |seed| CustomerPatch {
            id: maybe(seed, |seed| format!("c{}", seed.below(space.customers))),
            ..CustomerPatch::default()
        }),
        links: if seed.below(8) == 0 {
            let merged_into_id = maybe(seed, |seed| format!("k{}", seed.below(space.contacts)));
            Patch::Set(LinksPatch { merged_into_id, ..LinksPatch::default() })
        } else {
            Patch::Absent
        },
        direction: if seed.below(10) == 0 {
            maybe(seed, |_| Direction::Outbound)
        } else {
            Patch::Absent
        },
        opened_at: maybe(seed, opened),
        status: maybe(seed, |seed| [Status::Open, Status::Solved][seed.below(2)]),
        // Named, since a guess from three words may change with every word more.
        language: Patch::Set("en".to_owned()),
        body: maybe(seed, |seed| TEXTS[seed.below(TEXTS.len())].to_owned()),
        reason: maybe(seed, |seed| ReasonPatch {
            agent_code: maybe(seed, |seed| format!("area.r{}", seed.below(3))),
            ..ReasonPatch::default()
        }),
        attributes: maybe(seed, order),
        ..ContactPatch::default()
    }
}
