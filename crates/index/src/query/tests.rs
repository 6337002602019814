//! Reading queries: shapes, and errors that teach.

use std::ops::Bound;

use proptest::prelude::*;

use super::{Expr, FieldValue, MAX_DEPTH, parse};

/// The query as a short text of its own, so that cases fit a line.
fn shape(expr: &Expr) -> String {
    let list = |parts: &[Expr]| parts.iter().map(shape).collect::<Vec<_>>().join(" ");
    match expr {
        Expr::All => "all".to_owned(),
        Expr::And(parts) => format!("and({})", list(parts)),
        Expr::Or(parts) => format!("or({})", list(parts)),
        Expr::Not(inner) => format!("not({})", shape(inner)),
        Expr::Words(words) => words.text.clone(),
        Expr::Prefix(words) => format!("{}…", words.text),
        Expr::Near { first, then } => {
            let rest = then.iter().map(|(gap, words)| {
                format!("{}{}:{}", if gap.ordered { '>' } else { '~' }, gap.max, words.text)
            });
            format!("near({} {})", first.text, rest.collect::<Vec<_>>().join(" "))
        }
        Expr::Field { name, value, .. } => match value {
            FieldValue::Exact(value) => format!("{name}={value}"),
            FieldValue::Pattern(value) => format!("{name}?{value}"),
            FieldValue::Range { low, high } => format!("{name}{}{}", end(low), end(high)),
        },
    }
}

fn end(bound: &Bound<String>) -> String {
    match bound {
        Bound::Included(value) => format!("[{value}]"),
        Bound::Excluded(value) => format!("({value})"),
        Bound::Unbounded => "[..]".to_owned(),
    }
}

#[test]
fn queries_are_read_as_they_are_meant() {
    for (query, expected) in [
        ("", "all"),
        ("  ", "all"),
        ("*", "all"),
        ("refund delay", "and(refund delay)"),
        ("refund AND delay", "and(refund delay)"),
        ("a b OR c", "or(and(a b) c)"),
        ("a (b OR c)", "and(a or(b c))"),
        ("or and not", "and(or and not)"),
        ("ORDER NOTE", "and(ORDER NOTE)"),
        ("refund ~delay", "near(refund ~5:delay)"),
        ("refund ~ delay", "near(refund ~5:delay)"),
        ("refund ~4 delay", "near(refund ~4:delay)"),
        ("refund >4 delay", "near(refund >4:delay)"),
        ("refund >delay x", "and(near(refund >5:delay) x)"),
        ("a ~2 b >3 \"c d\"", "near(a ~2:b >3:c d)"),
        ("a ~4b", "near(a ~5:4b)"),
        ("-card", "not(card)"),
        ("a -(b c)", "and(a not(and(b c)))"),
        ("a NOT b", "and(a not(b))"),
        ("a -b ~c", "and(a not(near(b ~5:c)))"),
        ("e-mail 10-20", "and(e-mail 10-20)"),
        ("\"say \"\"no\"\" now\"", "say \"no\" now"),
        ("refun*", "refun…"),
        ("reason:billing.*", "reason?billing.*"),
        ("channel:email", "channel=email"),
        ("lang:hu", "language=hu"),
        ("-lang:hu", "not(language=hu)"),
        ("attributes.version:67.0", "attributes.version=67.0"),
        ("attributes.os.name:win*", "attributes.os.name?win*"),
        ("customer:\"a b:c*\"", "customer_id=a b:c*"),
        ("csat:<3", "csat[..](3)"),
        ("csat:>=3", "csat[3][..]"),
        ("cost_micros:1..5", "cost_micros[1][5]"),
        ("occurred_at:2019-05-04T01:30:00Z", "occurred_at=2019-05-04T01:30:00Z"),
        ("(channel:chat) a", "and(channel=chat a)"),
        ("退款 订单", "and(退款 订单)"),
    ] {
        match parse(query) {
            Ok(parsed) => assert_eq!(shape(&parsed.0), expected, "{query}"),
            Err(error) => panic!("{query}: {error}"),
        }
    }
}

#[test]
fn errors_say_where_and_what_would_be_right() {
    for (query, at, says) in [
        ("a \"b", 2, "never closed"),
        ("é (b", 2, "never closed"),
        ("a b)", 3, "closes nothing"),
        ("()", 1, "missing"),
        ("a OR", 2, "after OR"),
        ("OR a", 0, "missing"),
        ("AND a", 0, "both sides"),
        ("a AND", 2, "both sides"),
        ("a - b", 2, "minus"),
        ("a --b", 2, "minus"),
        ("~4 b", 0, "first word"),
        ("a ~", 2, "second word"),
        ("a ~0 b", 3, "no distance"),
        ("a ~99 b", 3, "50 is the most"),
        ("a ~4 (b c)", 2, "between words"),
        ("channel:chat ~4 b", 13, "between words"),
        ("a b*c", 3, "end of a word"),
        ("foo:bar", 0, "there is no field `foo`"),
        ("attributes:x", 0, "attributes.NAME"),
        ("a channel:", 10, "is missing"),
    ] {
        let error = parse(query).expect_err(query);
        assert_eq!(error.at, at, "{query}: {error}");
        assert!(error.to_string().contains(says), "{query}: {error}");
    }
}

#[test]
fn size_is_bounded() {
    assert!(parse(&"(".repeat(MAX_DEPTH + 1)).is_err());
    assert!(parse(&"a ".repeat(2000)).is_err());
    assert!(parse(&"a".repeat(5000)).is_err());
}

proptest! {
    #[test]
    fn no_text_is_too_odd(query in "[ab退é \"()~>*:.<0-9ORNTAD-]{0,40}") {
        if let Err(error) = parse(&query) {
            prop_assert!(error.at <= query.chars().count());
        }
    }
}
