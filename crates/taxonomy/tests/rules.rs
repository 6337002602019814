//! The rule language as a service manager meets it: places, denial, limits, and what the checker
//! says of real texts.

use std::sync::Arc;

use proptest::prelude::*;
use quell_model::event::{Role, Turn};
use quell_taxonomy::{Checker, Report, TagInput, TagSettings, Tagger, Taxonomy, check};

const HEAD: &str = "version: 1\nid: t\nareas: {a: {name: A}}\nreasons:\n";

fn parse(reasons: &str) -> Result<Taxonomy, Vec<String>> {
    Taxonomy::parse(&format!("{HEAD}{reasons}"), "t.yaml")
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// A reason `a.b` whose rule has these fields.
fn tagger(rule: &str) -> Tagger {
    let taxonomy = parse(&format!("  - {{id: a.b, name: B, owner: o, {rule}}}\n"));
    match taxonomy {
        Ok(taxonomy) => Tagger::new(Arc::new(taxonomy), TagSettings::default()),
        Err(problems) => panic!("{problems:#?}"),
    }
}

fn fires(tagger: &mut Tagger, input: &TagInput<'_>) -> bool {
    tagger.tag(input).reasons[0].reason.as_str() == "a.b"
}

fn turn(role: Role, offset_ms: Option<i64>, text: &str) -> Turn {
    Turn { role, text: text.to_owned(), at: None, offset_ms, sentiment: None }
}

#[track_caller]
fn refused(reasons: &str, expected: &str) {
    let problems = parse(reasons).map(|_| "it was read").expect_err("a problem");
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:#?}");
}

#[test]
fn first_and_last_seconds_are_those_of_the_conversation() {
    let turns = [
        turn(Role::Agent, Some(0), "good morning"),
        turn(Role::Customer, Some(59_999), "a refund"),
        turn(Role::Customer, Some(60_000), "a voucher"),
        turn(Role::Customer, Some(120_000), "an invoice"),
        turn(Role::Customer, None, "a coupon"),
    ];
    let input = TagInput { turns: &turns, body: Some("a letter"), ..TagInput::default() };
    for (place, word, wanted) in [
        ("first 60s", "refund", true),
        ("first 60s", "voucher", false),
        ("first 2m", "voucher", true),
        ("last 60s", "invoice", true),
        ("last 60s", "voucher", false),
        ("last 61s", "voucher", true),
        ("first 60s", "coupon", false),
        ("first 60s", "letter", false),
        ("any", "letter", true),
    ] {
        let mut tagger = tagger(&format!("where: {place}, any: {{en: [{word}]}}"));
        assert_eq!(fires(&mut tagger, &input), wanted, "{place} {word}");
    }
}

#[test]
fn times_of_day_serve_where_offsets_are_missing() {
    let at =
        |ms, text| Turn { at: Some(quell_model::TimeMs(ms)), ..turn(Role::Customer, None, text) };
    let turns = [at(1_000_000, "hello"), at(1_030_000, "a refund"), at(1_090_000, "a voucher")];
    let input = TagInput { turns: &turns, language_hint: Some("en"), ..TagInput::default() };
    let mut first = tagger("where: first 60s, any: {en: [refund]}");
    assert!(fires(&mut first, &input));
    let mut first = tagger("where: first 60s, any: {en: [voucher]}");
    assert!(!fires(&mut first, &input));
}

#[test]
fn the_same_turn_holds_all_that_the_rule_needs() {
    let mut tagger = tagger("where: same turn, all: {en: [card, lost]}, unless: {en: [found]}");
    let said = |texts: &[&str]| -> Vec<Turn> {
        texts.iter().map(|text| turn(Role::Customer, None, text)).collect()
    };
    for (texts, wanted) in [
        (&["my card", "is lost"][..], false),
        (&["my card", "my card is lost"], true),
        (&["my card is lost, no, found"], false),
        (&["my card is lost", "found"], true),
        (&["lost, found", "card"], false),
    ] {
        let turns = said(texts);
        let input = TagInput { turns: &turns, ..TagInput::default() };
        assert_eq!(fires(&mut tagger, &input), wanted, "{texts:?}");
    }
    let split = TagInput { subject: Some("card"), body: Some("lost"), ..TagInput::default() };
    assert!(!fires(&mut tagger, &split));
}

#[test]
fn an_armenian_verb_is_denied_by_its_prefix() {
    let zanged = TagInput { body: Some("Երեկ զանգեցին ինձ"), ..TagInput::default() };
    let denied =
        TagInput { body: Some("Երեկ չզանգեցին ինձ"), ..TagInput::default() };
    for (negated, plain_fires, denied_fires) in
        [("ignore", true, false), ("require", false, true), ("keep", true, true)]
    {
        for phrase in ["զանգեցին", "\"զանգ*\"", "\"երեկ ~2 զանգեցին\""] {
            let mut tagger = tagger(&format!("negated: {negated}, any: {{hy: [{phrase}]}}"));
            assert_eq!(fires(&mut tagger, &zanged), plain_fires, "{negated} {phrase}");
            assert_eq!(fires(&mut tagger, &denied), denied_fires, "{negated} {phrase}");
        }
    }
    let mut four = tagger("any: {hy: [\"անգամ ~2 զանգել\"]}");
    let text = "չորս անգամ զանգել եմ";
    assert!(fires(&mut four, &TagInput { body: Some(text), ..TagInput::default() }));
}

#[test]
fn a_rule_that_fails_its_examples_is_not_loaded() {
    refused(
        "  - id: a.b\n    name: B\n    owner: o\n    any: {en: [late]}\n\
         \x20   test: {match: [early]}\n",
        "t.yaml:9:20: error: this text should match `a.b` but gives nothing",
    );
    for place in ["subject", "body", "same turn", "first 60s", "last 5m"] {
        for who in ["customer", "any"] {
            let rule =
                format!("where: {place}, who: {who}, any: {{en: [late]}}, test: {{match: [late]}}");
            tagger(&rule);
        }
    }
    tagger("who: agent, where: first 60s, any: {en: [late]}, test: {match: [late], skip: [soon]}");
}

#[test]
fn what_is_too_much_is_said() {
    let rule = |fields: &str| format!("  - {{id: a.b, name: B, owner: o, {fields}}}\n");
    refused(&rule("where: first"), "`first` is no `where` (one of subject, body, any, same turn");
    refused(&rule("where: first 2h"), "`first 2h` is no `where`");
    let long = "word ".repeat(200);
    refused(
        &rule(&format!("any: {{en: [\"{long}\"]}}")),
        "the phrase has 1000 bytes, 512 are the most",
    );
    let many = vec!["x"; 5_001].join(", ");
    refused(&rule(&format!("any: {{en: [{many}]}}")), "more than 5000 phrases in one rule");
    let many = vec!["late"; 501].join(", ");
    refused(
        &rule(&format!("any: {{en: [late]}}, test: {{match: [{many}]}}")),
        "more than 500 examples",
    );
    let fields: Vec<String> = (0..101).map(|n| format!("k{n}: v")).collect();
    refused(&rule(&fields.join(", ")), "fields, 100 are the most");
    let big = format!("{HEAD}# {}\n", "x".repeat(5 << 20));
    let problems = Taxonomy::parse(&big, "t.yaml").map(|_| ()).expect_err("too long");
    assert!(problems[0].message.contains("4194304 are the most"), "{}", problems[0]);
    let text = "y".repeat(100_000);
    let copies = vec!["*t"; 1_000].join(", ");
    let bomb = format!("a: &t {text}\nb: [{copies}]\n");
    let problems = Taxonomy::parse(&bomb, "t.yaml").map(|_| ()).expect_err("too long");
    assert!(problems[0].message.contains("bytes, aliases written out"), "{}", problems[0]);
    let sets: Vec<String> = (0..30).map(|n| format!("\"w{n} w{n}\"")).collect();
    let yaml = format!(
        "version: 1\nid: t\nwords: {{s: {{en: [{}]}}}}\nareas: {{a: {{name: A}}}}\nreasons:\n{}",
        sets.join(", "),
        rule("any: {en: [\"{s} {s}\"]}")
    );
    let problems = Taxonomy::parse(&yaml, "t.yaml").map(|_| ()).expect_err("too many");
    assert!(problems[0].message.contains("more than 512 spellings"), "{}", problems[0]);
}

fn report(reasons: &str, texts: &[(&str, &str)]) -> Report {
    let taxonomy = parse(reasons).expect("valid");
    let inputs = texts.iter().map(|(language, text)| TagInput {
        language_hint: Some(language),
        body: Some(text),
        ..TagInput::default()
    });
    check(&taxonomy, inputs)
}

#[test]
fn the_checker_says_what_rules_do_with_texts() {
    let reason =
        |id: &str, any: &str| format!("  - {{id: a.{id}, name: N, owner: o, any: {any}}}\n");
    let reasons = [
        reason("late", "{en: [late]}"),
        reason("slow", "{en: [slow, late]}"),
        reason("dead", "{en: [unheard]}"),
        reason("german", "{de: [verspätet]}"),
    ]
    .concat();
    let mut texts = vec![("en", "the parcel is late again today, my friends"); 10];
    texts.extend(vec![("en", "the site is slow this morning for me"); 10]);
    texts.extend(vec![("en", "good morning to all of you"); 80]);
    texts.extend(vec![("it", "buongiorno, vorrei sapere quando arriva il pacco"); 5]);
    let found = report(&reasons, &texts);
    let fired: Vec<u64> = found.rules.iter().map(|rule| rule.fired).collect();
    assert_eq!((found.texts, fired), (105, vec![10, 20, 0, 0]));
    let italian = vec!["it".to_owned()];
    let both = vec!["en".to_owned(), "it".to_owned()];
    let overlap = &found.overlaps[0];
    assert_eq!((overlap.rarer.as_str(), overlap.other.as_str()), ("a.late", "a.slow"));
    assert_eq!((overlap.shared, overlap.rarer_fired, found.overlaps.len()), (10, 10, 1));
    assert!(overlap.is_near_whole());
    assert_eq!((found.unclassified, found.languages[0].unclassified), (85, 80));
    assert_eq!(found.rules[0].by_language, [("en".to_owned(), 10)]);
    assert_eq!((&found.rules[0].missing, &found.rules[3].missing), (&italian, &both));
    assert!(found.rules[2].is_dead() && !found.rules[3].is_dead());
    assert_eq!((found.languages[0].texts, found.languages[0].reasons), (100, 3));
    let said: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    for expected in [
        "t.yaml:5:5: warning: `a.late` fires on 10 of 100 texts in its languages",
        "t.yaml:7:5: warning: `a.dead` fires on none of 100 texts in its languages",
        "`a.late` and `a.slow` fire together on 10 of 10 texts",
        "t.yaml: warning: 5 of 105 texts are in `it`, which no rule speaks",
    ] {
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}\n{said:#?}");
    }
    // No text is in German: nothing is known of that rule.
    assert!(!said.iter().any(|line| line.contains("a.german") && line.contains("fires")));
    texts.reverse();
    assert_eq!(report(&reasons, &texts).rules, found.rules);
    assert!(report(&reasons, &[]).overlaps.is_empty());
}

#[test]
fn pairs_are_shown_by_the_smallest_id_whatever_the_order() {
    let reason = |id: &str| format!("  - {{id: a.{id}, name: N, owner: o, any: {{en: [late]}}}}\n");
    let taxonomy = Arc::new(parse(&[reason("one"), reason("two")].concat()).expect("valid"));
    let found = |ids: &[&str]| {
        let mut checker = Checker::new(Arc::clone(&taxonomy));
        let body = Some("the parcel is late");
        let input = TagInput { language_hint: Some("en"), body, ..TagInput::default() };
        ids.iter().for_each(|id| checker.add(id, &input));
        checker.finish().overlaps
    };
    let overlaps = found(&["c", "a", "b"]);
    assert_eq!(overlaps, found(&["b", "c", "a"]));
    let pair = &overlaps[0];
    assert_eq!((pair.shared, pair.example.as_str(), pair.is_near_whole()), (3, "a", false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_phrase_and_any_text_are_taken_or_refused(
        phrases in prop::collection::vec(
            "(=|#n|~[0-9]{0,3}|>[0-9]{0,2}|\\*|…|\\{|\\}|\\{cue.contact\\}|[a-zא]{1,4}\
             |扣款|չի|\"| |\\PC){0,12}",
            1..6,
        ),
        language in prop::sample::select(vec!["en", "zh", "hy", "de", "any", "th"]),
        text in "(a|not|two|扣款|չի| |, |\\. |\\PC){0,40}",
        place in prop::sample::select(vec!["any", "same turn", "first 1s", "last 60s", "subject"]),
        negated in prop::sample::select(vec!["ignore", "require", "keep"]),
    ) {
        let lines: Vec<String> = phrases.iter().map(|phrase| format!("{phrase:?}")).collect();
        let rule = format!(
            "  - {{id: a.b, name: B, owner: o, where: {place}, negated: {negated}, \
             any: {{{language}: [{}]}}}}\n",
            lines.join(", ")
        );
        match parse(&rule) {
            Ok(taxonomy) => {
                let mut tagger = Tagger::new(Arc::new(taxonomy), TagSettings::default());
                let turns = [turn(Role::Customer, Some(0), &text)];
                let input = TagInput { body: Some(&text), turns: &turns, ..TagInput::default() };
                for tag in tagger.tag(&input).reasons {
                    for evidence in tag.evidence {
                        let span = evidence.start as usize..evidence.end as usize;
                        prop_assert!(text.get(span).is_some());
                    }
                }
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }
}

#[test]
fn a_hostile_text_ends_soon() {
    let rule = "any: {en: [\"a ~30 a ~30 a ~30 a ~30 a ~30 b\", \"b ~30 a ~30 a ~30 a ~30 c\"]}";
    let mut tagger = tagger(rule);
    let text = "a ".repeat(100_000) + "b";
    let input = TagInput { body: Some(&text), ..TagInput::default() };
    // Within the bound the last `b` is found from its own side.
    tagger.tag(&input);
    let near = "a a a a a b";
    assert!(fires(&mut tagger, &TagInput { body: Some(near), ..TagInput::default() }));
}

#[test]
fn the_example_of_the_manual_loads() {
    let manual = include_str!("../../../docs/rules.md");
    let yaml = manual.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let found = Taxonomy::parse(yaml.expect("an example"), "rules.md");
    assert!(found.is_ok(), "{:?}", found.err());
}

#[test]
fn the_taxonomies_that_come_along_load() {
    for (name, yaml) in [
        ("ecommerce", include_str!("../../../taxonomies/ecommerce.yaml")),
        ("firefox", include_str!("../../../taxonomies/firefox.yaml")),
    ] {
        let found = Taxonomy::parse(yaml, name);
        assert!(found.is_ok(), "{:#?}", found.err());
    }
}
