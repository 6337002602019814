//! Invariants 9 and 10 on files: what a replay writes holds no raw personal data, and nothing of
//! an erased contact.

use std::path::Path;

use quell_tests::binary;

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
