//! Redaction of anything: no failure, nothing left for a second look, no more text than the marks
//! add, and what holds no digit and no address stays as it is.

use proptest::prelude::*;
use quell_text::redact;

/// No mark is longer.
const LONGEST_MARK_BYTES: usize = 19;

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,20}",
        "[ \\-./()+:,]{1,3}",
        "(phone|order|заказ|тел|паспорт|电话|订单|számla|IBAN|DE|id|at|dot|com|пасп|dni) ?",
        "(one|two|három|пять|一|八|零|ինը) ?",
        "[a-z@.＠]{1,8}",
        "[A-Z]{1,3}[0-9]{5,9}[A-Z]?",
        "\\PC{1,4}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_redacted_stays_as_it_is(text in pieces()) {
        let once = redact(&text);
        let twice = redact(&once.text);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert_eq!(twice.counts.total(), 0);
    }

    #[test]
    fn the_text_outside_the_marks_is_the_texts_own(text in pieces()) {
        let redacted = redact(&text);
        let grown = redacted.counts.total() as usize * LONGEST_MARK_BYTES;
        prop_assert!(redacted.text.len() <= text.len() + grown);
        let mut from = 0;
        for outside in redacted.text.split('⟨') {
            let outside = outside.split_once('⟩').map_or(outside, |(_, after)| after);
            let at = text[from..].find(outside);
            prop_assert!(at.is_some(), "{outside:?} in order in {text:?}");
            from += at.unwrap_or(0) + outside.len();
        }
    }

    #[test]
    fn bytes_read_as_text_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let once = redact(&text);
        prop_assert_eq!(&redact(&once.text).text, &once.text);
    }

    #[test]
    fn letters_alone_hold_nothing(text in "[a-zA-Zа-яա-ֆ ,.!?]{0,80}") {
        prop_assume!(!["dot", "punkt", "точка", "կետ"].iter().any(|dot| text.contains(dot)));
        prop_assert_eq!(redact(&text).text, text.as_str());
    }
}

#[test]
fn a_spoken_address_of_more_parts_than_any_has_loses_those_next_to_the_sign() {
    let text = format!("{} at example dot com", "a dot ".repeat(40) + "b");
    let redacted = redact(&text).text;
    assert!(redacted.ends_with("a dot ⟨EMAIL⟩"), "{redacted}");
    assert_eq!(redacted.matches("dot").count(), 24);
    assert_eq!(redact("a dot b at example dot com").text, "⟨EMAIL⟩");
}

#[test]
fn long_hostile_texts_are_taken() {
    for piece in [
        "1",
        "1 ",
        "1-",
        "(",
        "a@",
        "@",
        "a.",
        "+1(",
        "12.34.",
        "one ",
        "一",
        "AB12 ",
        "⟨",
        "dot ",
        "at dot at ",
        "minus low dot ",
        "low dot minus at dot at ",
    ] {
        let text = piece.repeat(60_000 / piece.len());
        let once = redact(&text);
        assert!(once.text.len() <= text.len() * 4, "{piece}");
        assert_eq!(redact(&once.text).text, once.text, "{piece}");
    }
    let numbers = "2125557890 and 4111111111111111, ".repeat(2000);
    assert_eq!(redact(&numbers).counts.total(), 4000);
}
