//! What counts towards a candidate, and which stands first.

use super::*;

/// The forms of a text's terms.
fn terms_of(text: &str) -> Vec<String> {
    let mut terms = Terms::new();
    terms.add(text, &Analyzer::new().analyze(Language::EN, text));
    terms.iter().map(|term| terms.form(term).to_owned()).collect()
}

#[test]
fn what_was_pasted_is_no_term() {
    for (text, left) in [
        ("freezer https://shop.example/en-US/freezer?id=7 buzzing", vec!["freezer", "buzzing"]),
        ("(www.shop.example) freezer shop.example/help buzzing", vec!["freezer", "buzzing"]),
        (r"C:\Users\kim\log.txt ~/logs /var/log/shop noise/buzzing", vec!["noise", "buzzing"]),
        ("noise Shop/5.0 (Zork NT 10.0; x64) Quux/64.0 loud", vec!["noise", "loud"]),
        ("noise Shop/5.0 (Zork", vec!["noise", "zork"]),
        ("loud\u{a0}https://é.example/ü\u{2003}\u{5d0}", vec!["loud"]),
    ] {
        assert_eq!(terms_of(text), left, "{text}");
    }
}

#[test]
fn numbers_alone_make_no_candidate() {
    let mut contacts = shop();
    for (n, one) in contacts.iter_mut().filter(|one| one.text.contains("freezer")).enumerate() {
        one.text = format!("item{n} 4711 0815 version 3.14");
    }
    assert!(after(&contacts).1.is_empty());
}

#[test]
fn a_theme_that_breaks_out_stands_before_a_larger_one_that_does_not() {
    let mut contacts = shop();
    let steady = (0..40).map(|n| Told {
        id: format!("s{n:05}"),
        ..told(12 * n + 5, "gift cards rejected at the till")
    });
    contacts.extend(steady);
    contacts.sort_by_key(|one| one.at_ms);
    contacts.retain(|one| !one.text.contains("freezer") || one.at_ms > START + 380 * HOUR_MS);
    let found = after(&contacts).1;
    let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
    assert!(names.len() >= 2 && names[0].contains("freezer"), "{names:?}");
    assert!(found[0].recent_customers() < found[1].recent_customers(), "{names:?}");
    assert!(found[0].surge_nats() > found[1].surge_nats());
}
