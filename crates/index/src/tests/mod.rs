//! The index against plain loops over the same contacts.

mod es;
mod language;
mod reference;
mod split;
mod writer;

use std::collections::BTreeMap;

use quell_model::contact::{LanguageSource, Maturity};
use quell_model::event::{Channel, Direction, Kind, Scalar, Status};
use quell_model::reason::Confidence;
use quell_model::repeat::{GapMs, RepeatLink, RepeatLinks};
use quell_model::{Contact, ContactKey, DecidedBy, ReasonId, ReasonTag, Standing, TimeMs, Weight};
use tempfile::TempDir;

use crate::{Filters, IndexSettings, IndexWriter, SearchRequest, Searcher};

/// 2019-05-01T00:00:00Z
pub(super) const MAY: i64 = 1_556_668_800_000;

pub(super) fn contact(id: &str, language: &str, text: &str) -> Contact {
    let time = TimeMs(MAY);
    Contact {
        contact_id: id.to_owned(),
        contact_key: ContactKey::new("test", None, id),
        system: "test".to_owned(),
        instance: None,
        kind: Kind::Ticket,
        customer_id: Some(format!("customer-{id}")),
        account_id: None,
        segment: None,
        occurred_at: time,
        channel: Channel::Email,
        direction: Direction::Inbound,
        standing: Standing::Counted,
        language: language.to_owned(),
        language_source: LanguageSource::Event,
        subject: None,
        body: Some(text.to_owned()),
        turns: Vec::new(),
        status: Some(Status::Open),
        opened_at: Some(time),
        first_response_at: None,
        resolved_at: None,
        closed_at: None,
        updated_at: time,
        reopen_count: 0,
        product: None,
        queue: None,
        team: None,
        agent_id: None,
        priority: None,
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        agent_code: None,
        handle_s: None,
        resolved: None,
        transferred: None,
        csat: None,
        csat_max: None,
        nps: None,
        reasons: vec![tag("billing.refund", Weight::ONE)],
        opinions: Vec::new(),
        rule_evidence: Vec::new(),
        cues: Vec::new(),
        cue_evidence: Vec::new(),
        demand_type: None,
        demand_basis: None,
        dumb_class: None,
        dumb_class_basis: None,
        cost_micros: 0,
        repeat: RepeatLinks::default(),
        maturity: Maturity::Provisional,
        taxonomy_version: "1".to_owned(),
        definition_version: "1".to_owned(),
    }
}

pub(super) fn tag(reason: &str, weight: Weight) -> ReasonTag {
    ReasonTag {
        reason: ReasonId::from(reason),
        weight,
        decided_by: DecidedBy::Rule,
        confidence: Confidence(900),
        evidence: Vec::new(),
    }
}

pub(super) fn settings() -> IndexSettings {
    IndexSettings { memory_bytes: 15_000_000, threads: 1, ..IndexSettings::default() }
}

/// An index of these contacts, committed in several pieces so that it has several segments.
pub(super) fn index(contacts: &[Contact]) -> (TempDir, IndexWriter, Searcher) {
    let dir = TempDir::new().unwrap();
    let mut writer = IndexWriter::open(dir.path(), settings()).unwrap();
    for (n, piece) in contacts.chunks(100.max(contacts.len() / 3)).enumerate() {
        for contact in piece {
            writer.upsert(contact).unwrap();
        }
        writer.commit(n as u64).unwrap();
    }
    let searcher = writer.searcher().unwrap();
    (dir, writer, searcher)
}

/// The ids of every contact that a query finds, in order.
pub(super) fn ids(searcher: &Searcher, query: &str) -> Vec<String> {
    found(searcher, query, Filters::default())
}

pub(super) fn found(searcher: &Searcher, query: &str, filters: Filters) -> Vec<String> {
    let request = SearchRequest {
        query: Some(query.to_owned()),
        filters,
        limit: crate::MAX_HITS,
        ..SearchRequest::default()
    };
    let answer = searcher.search(&request).unwrap_or_else(|error| panic!("{query}: {error}"));
    let mut ids: Vec<_> = answer.hits.into_iter().map(|hit| hit.contact.contact_id).collect();
    assert_eq!(ids.len() as u64, answer.total, "{query}");
    ids.sort_unstable();
    ids
}

/// Even, repeatable numbers.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    pub(super) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const WORDS: &[(&str, &[&str])] = &[
    ("en", &["refund", "refunds", "delay", "delayed", "card", "order", "don't", "late", "x-ray"]),
    ("hu", &["visszatérítés", "visszatérítést", "késik", "rendelés", "rendelésem", "kártya"]),
    ("zh", &["退款", "订单", "延迟", "退", "款", "賬號", "iPhone"]),
    ("ru", &["возврат", "возврата", "заказ", "карта", "ещё", "еще"]),
    ("hy", &["գումար", "գումարը", "պատվեր", "վերադարձ", "ինչո՞ւ"]),
];

pub(super) const REASONS: &[&str] = &[
    "billing.refund",
    "billing.refund.late",
    "billing.invoice",
    "delivery.late",
    "delivery.lost.courier",
    "_unclassified",
];

/// Contacts of five languages with every field in use.
pub(super) fn generated(count: usize, dice: &mut Dice) -> Vec<Contact> {
    (0..count).map(|n| generate(n, dice)).collect()
}

fn generate(n: usize, dice: &mut Dice) -> Contact {
    let (language, words) = dice.of(WORDS);
    let sentence = |dice: &mut Dice, most: usize| {
        let mut text = String::new();
        for _ in 0..dice.below(most) {
            let pool = if dice.chance(90) { words } else { WORDS[0].1 };
            text.push_str(dice.of(pool));
            text.push_str(dice.of(&[" ", " ", ", ", ". "]));
        }
        text
    };
    let mut contact = contact(&format!("c{n:04}"), language, &sentence(dice, 14));
    if dice.chance(50) {
        contact.subject = Some(sentence(dice, 4));
    }
    contact.occurred_at = TimeMs(MAY + dice.below(10) as i64 * 43_200_000 + dice.below(3) as i64);
    contact.channel = dice.of(&[Channel::Email, Channel::Chat, Channel::Voice]);
    let first = tag(dice.of(REASONS), Weight(600_000));
    contact.reasons = vec![first, tag(dice.of(REASONS), Weight(400_000))];
    if dice.chance(30) {
        let link = RepeatLink {
            previous: "p".to_owned(),
            first: "f".to_owned(),
            position: 2 + dice.below(3) as u32,
            gap_s: GapMs(1000),
        };
        contact.repeat.same_reason = dice.chance(50).then(|| link.clone());
        contact.repeat.same_issue = dice.chance(50).then(|| link.clone());
        contact.repeat.any_reason = Some(link);
    }
    let version = match dice.below(5) {
        0 => Scalar::Text("67.0".to_owned()),
        1 => Scalar::Text("66.0".to_owned()),
        2 => Scalar::Int(67),
        3 => Scalar::Float(66.5),
        _ => Scalar::Bool(true),
    };
    contact.attributes.insert("version".to_owned(), version);
    if dice.chance(50) {
        let value = dice.of(&["win.10", "win.7", "linux"]);
        contact.attributes.insert("os.name".to_owned(), Scalar::Text(value.to_owned()));
    }
    contact.csat = dice.chance(50).then(|| dice.below(5) as f64 + 1.0);
    contact.cost_micros = dice.below(9) as i64 * 1_000_000;
    contact
}

/// Any word of the languages in use.
pub(super) fn any_word(dice: &mut Dice) -> &'static str {
    let (_, words) = dice.of(WORDS);
    dice.of(words)
}
