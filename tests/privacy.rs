//! Invariants 9 and 10 on files: what a replay writes holds no raw personal data, and nothing of
//! an erased contact.

use std::ops::ControlFlow;
use std::path::Path;

use quell_engine::{Core, CoreInput, Effects, Scan, State, TABLES, Table};
use quell_model::event::Event;
use quell_model::time::HOUR_MS;
use quell_model::{ContactEventType, Patch};
use quell_tests::events::{START, opened_contact};
use quell_tests::{binary, runs};
use quell_worker::direct::DirectState;

fn replay(dir: &Path, events: &str) -> Vec<(&'static str, String)> {
    let input = dir.join("events.ndjson");
    std::fs::write(&input, events).expect("the input is written");
    let files = binary::replay(&dir.join("out"), &[&input.to_string_lossy()]);
    files.into_iter().filter(|(name, _)| *name != "dlq.ndjson").collect()
}

fn opened(id: &str, customer: &str, minute: u32, body: &str) -> String {
    format!(
        r#"{{"schema_version":1,"event_id":"open-{id}","event_type":"contact.opened","event_time":"2026-01-05T10:{minute:02}:00Z","source":{{"system":"shop"}},"contact":{{"id":"{id}","kind":"ticket","channel":"email","opened_at":"2026-01-05T10:{minute:02}:00Z","customer":{{"id":"{customer}"}},"subject":"Refund","body":"{body}"}}}}"#
    )
}

#[test]
fn personal_data_is_redacted_and_customer_ids_stay_in_contacts() {
    let dir = tempfile::tempdir().expect("a folder");
    let body = "mail me at jo.doe@example.com, card 4111 1111 1111 1111, \
                IBAN DE89 3704 0044 0532 0130 00, order 1234567 of 2026-01-02, total 49.90. \
                I wrote from jo.doe@example.com a third time";
    let events = [opened("k1", "customer-77", 1, body), opened("k2", "customer-77", 30, body)];
    let files = replay(dir.path(), &events.join("\n"));
    for (name, text) in &files {
        for raw in ["jo.doe", "example.com", "4111", "DE89"] {
            assert!(!text.contains(raw), "{raw} in {name}");
        }
        if *name != "contacts.ndjson" {
            assert!(!text.contains("customer-77"), "the customer's id in {name}");
        }
    }
    let contacts = &files[0].1;
    for kept in ["1234567", "2026-01-02", "49.90", "⟨EMAIL⟩", "⟨CARD⟩", "⟨IBAN⟩", "customer-77"]
    {
        assert!(contacts.contains(kept), "{kept} is missing in {contacts}");
    }
    let evidence = r#""words":"⟨EMAIL⟩ a third time""#;
    assert!(contacts.contains(evidence), "a cue shows its words in {contacts}");
    for (name, text) in &files[1..] {
        assert!(!text.contains("a third time"), "the customer's words in {name}");
    }
}

#[test]
fn an_erased_contact_is_in_no_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let erased = r#"{"schema_version":1,"event_id":"erase","event_type":"contact.erased","event_time":"2026-01-06T00:00:00Z","source":{"system":"shop"},"contact":{"id":"k-erased","kind":"ticket"}}"#;
    let late =
        opened("k-erased", "customer-88", 2, "I want my refund, zebra").replace("open-", "late-");
    let events = [
        opened("k-before", "customer-88", 1, "Where is my refund"),
        opened("k-erased", "customer-88", 30, "I want my refund, zebra"),
        opened("k-after", "customer-88", 59, "Still no refund for my order"),
        erased.to_owned(),
        late,
    ];
    for (name, text) in replay(dir.path(), &events.join("\n")) {
        assert!(!text.contains("k-erased"), "{name}");
        assert!(!text.contains("zebra"), "{name}");
        if name == "contacts.ndjson" {
            assert!(text.contains(r#""previous":"k-before""#), "the chain closes over the gap");
        }
    }
}

/// Refunds at a steady pace, and on one day many more who all tell of the same thing.
fn a_rise(body: &str) -> String {
    let mut events = Vec::new();
    for hour in 0..36 * 24 {
        let rises = (34 * 24 + 8..34 * 24 + 18).contains(&hour);
        for n in 0..if rises { 9 } else { 1 } {
            let at = START.plus_ms(hour * HOUR_MS + n * 60_000);
            let usual = ["my refund is late", "no refund yet for the shoes", "refund please"];
            let body = if n > 0 { body } else { usual[hour as usize % usual.len()] };
            events.push(format!(
                r#"{{"schema_version":1,"event_id":"o-{hour}-{n}","event_type":"contact.opened","event_time":"{at}","source":{{"system":"shop"}},"contact":{{"id":"k-{hour}-{n}","kind":"ticket","channel":"email","opened_at":"{at}","customer":{{"id":"c-{hour}-{n}"}},"subject":"Refund","body":"{body}"}}}}"#
            ));
        }
    }
    events.join("\n")
}

#[test]
fn an_issue_tells_words_of_redacted_text_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let body = "refund: the zebra banner wants jo.doe@example.com, card 4111 1111 1111 1111, \
                IBAN DE89 3704 0044 0532 0130 00 and ticket 1234567";
    let files = replay(dir.path(), &a_rise(body));
    let issues = files.iter().find(|(name, _)| *name == "issues.ndjson").map(|(_, text)| text);
    let issues = issues.expect("there are issues");
    assert!(issues.contains(r#""word":"zebra banner"#), "{issues}");
    for raw in ["example", "jo", "doe", "4111", "de89", "1234567", "email"] {
        let word = format!(r#""{raw}"#);
        assert!(!issues.contains(&word), "{raw} in {issues}");
    }
}

/// The tables in which a word stands.
fn tables_with(state: &mut DirectState, word: &str) -> Vec<Table> {
    let mut found = Vec::new();
    for &table in TABLES {
        let all = Scan { table, from: &[], to: &[u8::MAX; 64], descending: false };
        let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        let mut visit = |key: &[u8], row: &[u8]| {
            if holds(key) || holds(row) {
                found.push(table);
            }
            ControlFlow::Continue(())
        };
        state.scan(all, &mut visit).expect("memory can be read");
    }
    found
}

#[test]
fn words_of_an_erased_contact_leave_the_state() {
    let mut core = Core::new(runs::settings(), runs::taxonomy());
    let mut state = DirectState::default();
    let mut apply = |state: &mut DirectState, event: Event| {
        let mut effects = Effects::default();
        core.apply(state, CoreInput::Event(event), &mut effects).expect("memory can be read");
        core.finish(state, &mut effects).expect("memory can be read");
    };
    let mut event = opened_contact("k-erased", "customer-88", START, "area.r0");
    if let Event::Contact(contact) = &mut event {
        contact.contact.body = Patch::Set("I saw a zebra".to_owned());
    }
    apply(&mut state, event.clone());
    apply(&mut state, opened_contact("k-other", "customer-88", START, "area.r0"));
    let before = tables_with(&mut state, "zebra");
    assert!(before.contains(&"trend_words") && before.contains(&"link_held"), "{before:?}");
    if let Event::Contact(contact) = &mut event {
        contact.event_type = ContactEventType::Erased;
        contact.event_time = START.plus_ms(HOUR_MS);
    }
    apply(&mut state, event);
    assert_eq!(tables_with(&mut state, "zebra"), [""; 0]);
}
