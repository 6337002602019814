//! Whatever comes in, decoding answers; whatever is encoded comes back the same.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;
use quell_codec::rows::{RowError, from_row, to_row};
use quell_codec::{Adapter, Limits, RawRecord, decode, encode_event};
use quell_model::event::{
    Channel, ContactPatch, CustomerPatch, Direction, DurationsPatch, FeedbackPatch, IdentityLink,
    Kind, LinksPatch, OutcomePatch, ReasonPatch, Role, Scalar, Source, Status, Transcript, Turn,
    Volume,
};
use quell_model::{ContactEvent, ContactEventType, Event, Patch, TimeMs};
use serde_json::Value;

const LOG_TIME: TimeMs = TimeMs(1_714_867_200_000);

fn adapters() -> &'static [Adapter] {
    static ADAPTERS: OnceLock<Vec<Adapter>> = OnceLock::new();
    ADAPTERS.get_or_init(|| Adapter::builtin_names().filter_map(Adapter::builtin).collect())
}

fn answers(adapters: &[Adapter], bytes: &[u8], headers: &[(String, Vec<u8>)]) {
    let record = RawRecord { value: Some(bytes), headers, key: None, log_time: LOG_TIME };
    for adapter in adapters {
        // Rejects are answers too; only a panic is none.
        let _ = decode(&record, adapter, &Limits::default());
    }
}

fn again(event: &Event) -> Event {
    let bytes = encode_event(event);
    assert!(!bytes.contains(&b'\n'), "one line");
    let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time: LOG_TIME };
    let decoded = decode(&record, &Adapter::canonical(), &Limits::default());
    let decoded = decoded.unwrap_or_else(|r| panic!("{r}: {}", String::from_utf8_lossy(&bytes)));
    decoded.events.into_iter().next().unwrap()
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..longest)
        .prop_map(|chars| chars.into_iter().collect())
}

fn id() -> impl Strategy<Value = String> {
    text(20).prop_map(|tail| format!("i{tail}"))
}

fn time() -> impl Strategy<Value = TimeMs> {
    (946_684_800_000..LOG_TIME.0).prop_map(TimeMs)
}

fn patch<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Patch<T>> {
    prop_oneof![
        2 => Just(()).prop_map(|()| Patch::Absent),
        1 => Just(()).prop_map(|()| Patch::Cleared),
        3 => value.prop_map(Patch::Set),
    ]
}

/// Numbers of which all digits survive a trip through decimal text.
fn number() -> impl Strategy<Value = f64> {
    (0..1_000_000_i64).prop_map(|n| n as f64 / 1000.0)
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<bool>().prop_map(Scalar::Bool),
        any::<i64>().prop_map(Scalar::Int),
        number().prop_map(Scalar::Float),
        text(12).prop_map(Scalar::Text),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let sentiment = (-1000..=1000_i64).prop_map(|n| n as f64 / 1000.0);
    (
        proptest::sample::select(Role::ALL),
        text(20),
        proptest::option::of(time()),
        proptest::option::of(any::<i64>()),
        proptest::option::of(sentiment),
    )
        .prop_map(|(role, text, at, offset_ms, sentiment)| Turn {
            role,
            text,
            at,
            offset_ms,
            sentiment,
        })
}

type Parts<T> = BoxedStrategy<T>;

fn who() -> Parts<ContactPatch> {
    let customer = (patch(id()), patch(id()), patch(text(8)))
        .prop_map(|(id, account_id, segment)| CustomerPatch { id, account_id, segment });
    let links = (patch(id()), patch(id())).prop_map(|(initial_id, merged_into_id)| LinksPatch {
        initial_id,
        merged_into_id,
        ..LinksPatch::default()
    });
    (id(), proptest::sample::select(Kind::ALL), patch(customer), patch(links))
        .prop_map(|(id, kind, customer, links)| ContactPatch {
            id,
            kind,
            customer,
            links,
            ..ContactPatch::default()
        })
        .boxed()
}

fn what() -> Parts<ContactPatch> {
    let transcript = (proptest::option::of(any::<bool>()), proptest::collection::vec(turn(), 0..4))
        .prop_map(|(redacted, turns)| Transcript { redacted, reference: None, turns });
    let reason = (patch(text(8)), patch(proptest::collection::vec(text(8), 0..3))).prop_map(
        |(agent_code, vendor_categories)| ReasonPatch {
            agent_code,
            vendor_categories,
            ..ReasonPatch::default()
        },
    );
    (
        patch(text(30)),
        patch(text(60)),
        patch(text(5)),
        patch(transcript),
        patch(reason),
        patch(proptest::collection::vec(text(8), 0..4)),
        patch(proptest::collection::btree_map(id(), patch(scalar()), 0..4)),
    )
        .prop_map(|(subject, body, language, transcript, reason, tags, attributes)| ContactPatch {
            subject,
            body,
            language,
            transcript,
            reason,
            tags,
            attributes,
            ..ContactPatch::default()
        })
        .boxed()
}

fn how() -> Parts<ContactPatch> {
    let durations = (patch(number()), patch(number())).prop_map(|(wait, handle)| DurationsPatch {
        wait,
        handle,
        ..DurationsPatch::default()
    });
    let outcome =
        (patch(any::<bool>()), patch(text(8))).prop_map(|(resolved, disconnect_reason)| {
            OutcomePatch { resolved, disconnect_reason, ..OutcomePatch::default() }
        });
    let feedback =
        (patch(number()), patch(0..=10_i64), patch(text(20))).prop_map(|(csat, nps, comment)| {
            FeedbackPatch { csat, nps, comment, csat_max: Patch::Absent }
        });
    (
        patch(proptest::sample::select(Channel::ALL)),
        patch(proptest::sample::select(Direction::ALL)),
        patch(proptest::sample::select(Status::ALL)),
        patch(time()),
        patch(time()),
        patch(any::<u32>()),
        (patch(durations), patch(outcome), patch(feedback)),
    )
        .prop_map(|(channel, direction, status, opened_at, updated_at, reopen_count, rest)| {
            let (durations, outcome, feedback) = rest;
            ContactPatch {
                channel,
                direction,
                status,
                opened_at,
                updated_at,
                reopen_count,
                durations,
                outcome,
                feedback,
                ..ContactPatch::default()
            }
        })
        .boxed()
}

fn source() -> impl Strategy<Value = Source> {
    (id(), proptest::option::of(id()), proptest::option::of(id())).prop_map(
        |(system, instance, message_id)| Source { system, instance, message_id, native_type: None },
    )
}

fn contact_event() -> impl Strategy<Value = Event> {
    (id(), time(), source(), who(), what(), how()).prop_map(
        |(event_id, event_time, source, who, what, how)| {
            let contact = ContactPatch {
                id: who.id,
                kind: who.kind,
                customer: who.customer,
                links: who.links,
                subject: what.subject,
                body: what.body,
                language: what.language,
                transcript: what.transcript,
                reason: what.reason,
                tags: what.tags,
                attributes: what.attributes,
                ..how
            };
            Event::Contact(Box::new(ContactEvent {
                schema_version: 1,
                event_id,
                event_type: ContactEventType::Updated,
                event_time,
                source,
                contact,
            }))
        },
    )
}

fn volume() -> impl Strategy<Value = Event> {
    let dimensions = proptest::collection::btree_map(id(), text(8), 0..3);
    (id(), time(), source(), id(), time(), 1..1_000_000_i64, any::<u64>(), dimensions).prop_map(
        |(event_id, event_time, source, exposure_unit, period_start, length, count, dimensions)| {
            Event::Volume(Volume {
                schema_version: 1,
                event_id,
                event_time,
                source,
                exposure_unit,
                period_start,
                period_end: period_start.plus_ms(length),
                count,
                dimensions,
            })
        },
    )
}

fn identity_link() -> impl Strategy<Value = Event> {
    let ids = proptest::collection::btree_set(id(), 2..5);
    (id(), time(), source(), ids).prop_map(|(event_id, event_time, source, ids)| {
        Event::IdentityLink(IdentityLink {
            schema_version: 1,
            event_id,
            event_time,
            source,
            customer_ids: ids.into_iter().collect(),
        })
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text(8).prop_map(Value::from),
        Just(Value::from("2024-05-04T09:30:00Z")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

/// Every pointer into a document, in order.
fn pointers(at: String, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(format!("{at}/{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                pointers(format!("{at}/{n}"), value, found);
            }
        }
        _ => {}
    }
    found.push(at);
}

fn examples() -> Vec<Value> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = Vec::new();
    for folder in [root.join("../../schemas/examples"), root.join("tests/golden")] {
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "json") {
                    documents.push(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
                }
            }
        }
    }
    documents
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn events_come_back_as_they_went(
        event in prop_oneof![3 => contact_event(), 1 => volume(), 1 => identity_link()],
    ) {
        let found = again(&event);
        let mut wanted = event;
        if let Event::Contact(event) = &mut wanted
            && let Some(attributes) = event.contact.attributes.value_mut()
        {
            attributes.retain(|_, value| !value.is_absent());
        }
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        answers(adapters(), &bytes, &[]);
    }

    #[test]
    fn arbitrary_text_is_answered(text in "[{}\\[\\]\":,\\\\ue0-9dD a-z\u{0}\u{e9}]{0,80}") {
        answers(adapters(), text.as_bytes(), &[]);
    }

    #[test]
    fn arbitrary_json_is_answered(
        value in json_value(),
        header in prop_oneof![
            Just("content-type"), Just("ce_type"), Just("ce_specversion"), Just("x")
        ],
        header_value in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        answers(adapters(), value.to_string().as_bytes(), &[]);
        answers(adapters(), value.to_string().as_bytes(), &[(header.to_owned(), header_value)]);
    }

    #[test]
    fn rows_come_back_and_other_versions_are_refused(
        version in any::<u8>(),
        value in (any::<u64>(), text(20), proptest::option::of(any::<i64>())),
    ) {
        type Row = (u64, String, Option<i64>);
        let bytes = to_row(version, &value);
        prop_assert_eq!(bytes[0], version);
        prop_assert_eq!(from_row::<Row>(version, &bytes), Ok(value));
        let expected = version.wrapping_add(1);
        let refused = RowError::UnknownVersion { found: version, expected };
        prop_assert_eq!(from_row::<Row>(expected, &bytes), Err(refused));
        prop_assert_eq!(from_row::<Row>(version, &[]), Err(RowError::Empty));
        let mut longer = bytes.clone();
        longer.push(0);
        prop_assert_eq!(from_row::<Row>(version, &longer), Err(RowError::Corrupt { version }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Real records with one value exchanged, taken away, or cut in the middle.
    #[test]
    fn mutated_records_are_answered(
        which in any::<proptest::sample::Index>(),
        place in any::<proptest::sample::Index>(),
        other in json_value(),
        cut in any::<proptest::sample::Index>(),
    ) {
        static DOCUMENTS: OnceLock<Vec<Value>> = OnceLock::new();
        let documents = DOCUMENTS.get_or_init(examples);
        let mut document = documents[which.index(documents.len())].clone();
        let mut found = Vec::new();
        pointers(String::new(), &document, &mut found);
        let pointer = &found[place.index(found.len())];
        if let Some(value) = document.pointer_mut(pointer) {
            *value = other;
        }
        let bytes = document.to_string().into_bytes();
        answers(adapters(), &bytes, &[]);
        answers(adapters(), &bytes[..cut.index(bytes.len() + 1)], &[]);
    }
}

#[test]
fn noted_inputs_come_back_as_they_went_with_sorted_members() {
    let mut seen = BTreeMap::new();
    for document in examples() {
        let bytes = document.to_string().into_bytes();
        let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time: LOG_TIME };
        let Ok(decoded) = decode(&record, &Adapter::canonical(), &Limits::default()) else {
            continue;
        };
        let Some(event @ Event::Noted(noted)) = decoded.events.first() else { continue };
        assert_eq!(&again(event), event);
        let sorted: BTreeMap<String, Value> = serde_json::from_str(&noted.json).unwrap();
        assert_eq!(noted.json, serde_json::to_string(&sorted).unwrap());
        *seen.entry(noted.kind).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), quell_model::event::NotedKind::ALL.len(), "{seen:?}");
}
