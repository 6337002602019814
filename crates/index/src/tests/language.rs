//! Words across languages and scripts, and errors as the searcher gives them.

use super::{contact, ids, index};
use crate::{Filters, IndexError, SearchRequest, Sort};

#[test]
fn hungarian_typed_without_accents_is_found() {
    let texts = [contact("1", "hu", "A visszatérítés még mindig késik, kérem a pénzemet")];
    let (_dir, _writer, searcher) = index(&texts);
    for query in ["visszaterites", "visszatérítés", "kesik", "penzemet", "visszatérítést"] {
        assert_eq!(ids(&searcher, query), ["1"], "{query}");
    }
    assert_eq!(ids(&searcher, "\"meg mindig kesik\""), ["1"]);
    assert_eq!(ids(&searcher, "visszaterit*"), ["1"]);
}

#[test]
fn traditional_chinese_finds_simplified_and_the_other_way_round() {
    let texts = [
        contact("1", "zh", "我的订单还没有退款"),
        contact("2", "zh", "我的訂單還沒有退款"),
        contact("3", "zh", "我的单订"),
    ];
    let (_dir, _writer, searcher) = index(&texts);
    for query in ["订单", "訂單", "\"订单还没\"", "language:zh 訂單", "订单*"] {
        assert_eq!(ids(&searcher, query), ["1", "2"], "{query}");
    }
    assert_eq!(ids(&searcher, "订单 ~5 退款"), ["1", "2"]);
    assert_eq!(ids(&searcher, "退款 >5 订单"), [""; 0]);
}

#[test]
fn forms_of_a_word_are_one_word() {
    let texts = [
        contact("1", "en", "two refunds were delayed"),
        contact("2", "ru", "жду возврата денег"),
        contact("3", "hy", "ինչո՞ւ չեք վերադարձնում գումարը"),
    ];
    let (_dir, _writer, searcher) = index(&texts);
    assert_eq!(ids(&searcher, "refund delay"), ["1"]);
    assert_eq!(ids(&searcher, "возврат"), ["2"]);
    assert_eq!(ids(&searcher, "ինչու"), ["3"]);
}

#[test]
fn near_counts_words() {
    let texts = [
        contact("1", "en", "refund a b c delay"),
        contact("2", "en", "delay refund"),
        contact("3", "en", "refund refund"),
    ];
    let (_dir, _writer, searcher) = index(&texts);
    assert_eq!(ids(&searcher, "refund ~3 delay"), ["2"]);
    assert_eq!(ids(&searcher, "refund ~4 delay"), ["1", "2"]);
    assert_eq!(ids(&searcher, "refund >4 delay"), ["1"]);
    assert_eq!(ids(&searcher, "refund ~1 refund"), ["3"]);
    assert_eq!(ids(&searcher, "refund >2 \"b c\" >1 delay"), ["1"]);
}

#[test]
fn words_of_two_texts_are_never_near() {
    let mut both = contact("1", "en", "delay");
    both.subject = Some("refund".to_owned());
    let (_dir, _writer, searcher) = index(&[both]);
    assert_eq!(ids(&searcher, "refund delay"), ["1"]);
    assert_eq!(ids(&searcher, "refund ~50 delay"), [""; 0]);
    assert_eq!(ids(&searcher, "\"refund delay\""), [""; 0]);
}

#[test]
fn relevance_prefers_the_better_match() {
    let filler = "and then many other words that say nothing of it ".repeat(4);
    let texts = [
        contact("1", "en", &format!("refund {filler}")),
        contact("2", "en", "refund refund"),
        contact("3", "en", &filler),
    ];
    let (_dir, _writer, searcher) = index(&texts);
    let request = SearchRequest {
        query: Some("refund".to_owned()),
        sort: Sort::Relevance,
        ..SearchRequest::default()
    };
    let hits = searcher.search(&request).unwrap().hits;
    let ids: Vec<_> = hits.iter().map(|hit| hit.contact.contact_id.as_str()).collect();
    assert_eq!(ids, ["2", "1"]);
    assert!(hits[0].score > hits[1].score);
}

#[test]
fn newest_comes_first_and_pages_follow() {
    let mut texts: Vec<_> = (0..9).map(|n| contact(&n.to_string(), "en", "same")).collect();
    for (n, contact) in texts.iter_mut().enumerate() {
        contact.occurred_at.0 += (n as i64 * 7) % 9;
    }
    let (_dir, _writer, searcher) = index(&texts);
    let mut seen = Vec::new();
    for offset in [0, 4, 8] {
        let request = SearchRequest { limit: 4, offset, ..SearchRequest::default() };
        let answer = searcher.search(&request).unwrap();
        assert_eq!(answer.total, 9);
        seen.extend(answer.hits.into_iter().map(|hit| hit.contact.occurred_at.0 - super::MAY));
    }
    assert_eq!(seen, (0..9).rev().collect::<Vec<_>>());
    let count = SearchRequest { limit: 0, ..SearchRequest::default() };
    assert_eq!(searcher.search(&count).unwrap().total, 9);
    let deep = SearchRequest { limit: 10_000, offset: 1, ..SearchRequest::default() };
    assert!(searcher.search(&deep).unwrap_err().is_callers_fault());
}

#[test]
fn wrong_values_are_told() {
    let (_dir, _writer, searcher) = index(&[contact("1", "en", "words")]);
    for (query, says) in [
        ("channel:emial", "voice, email"),
        ("repeat_same_issue:yes", "neither true nor false"),
        ("csat:<many", "no number"),
        ("occurred_at:yesterday", "2019-05-04"),
        ("text:*", "existence"),
        ("!!!", "no letter or digit"),
        ("words ~4 ???", "no letter or digit"),
    ] {
        let request = SearchRequest { query: Some(query.to_owned()), ..SearchRequest::default() };
        let error = searcher.search(&request).unwrap_err();
        assert!(matches!(error, IndexError::Query(_)), "{query}: {error:?}");
        assert!(error.to_string().contains(says), "{query}: {error}");
    }
    let filters = Filters { channels: vec!["emial".to_owned()], ..Filters::default() };
    let error = searcher.search(&SearchRequest { filters, ..SearchRequest::default() });
    assert!(error.unwrap_err().is_callers_fault());
}

#[test]
fn bounds_of_times_and_numbers_hold_their_ends() {
    let mut texts: Vec<_> = (0..4).map(|n| contact(&n.to_string(), "en", "same")).collect();
    let day = 86_400_000;
    for (contact, offset) in texts.iter_mut().zip([0, day - 1, day, 2 * day]) {
        contact.occurred_at.0 += offset;
        contact.csat = Some(offset as f64);
        contact.cost_micros = -offset;
    }
    let (_dir, _writer, searcher) = index(&texts);
    for (query, expected) in [
        ("occurred_at:2019-05-01", vec!["0", "1"]),
        ("occurred_at:>2019-05-01", vec!["2", "3"]),
        ("occurred_at:<=2019-05-01", vec!["0", "1"]),
        ("occurred_at:2019-05-01..2019-05-02", vec!["0", "1", "2"]),
        ("occurred_at:2019-05-01T23:59:59.999Z", vec!["1"]),
        ("csat:>0", vec!["1", "2", "3"]),
        ("csat:86399999..86400000", vec!["1", "2"]),
        ("cost_micros:<0", vec!["1", "2", "3"]),
        ("chain_position:1", vec!["0", "1", "2", "3"]),
        ("status:*", vec!["0", "1", "2", "3"]),
        ("product:*", vec![]),
    ] {
        assert_eq!(ids(&searcher, query), expected, "{query}");
    }
}
