//! Every mistake in a taxonomy file is said with its line and what to do.

use quell_taxonomy::{Severity, Taxonomy};

const HEAD: &str = "version: 1\nid: t\nareas: {a: {name: A}}\nreasons:\n";

/// The problems of a file whose reasons begin at line 5, as shown to people.
fn problems(reasons: &str) -> Vec<String> {
    let yaml = format!("{HEAD}{reasons}");
    match Taxonomy::parse(&yaml, "t.yaml") {
        Ok(taxonomy) => taxonomy.check().iter().map(ToString::to_string).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn check(reasons: &str, expected: &str) {
    let problems = problems(reasons);
    assert!(problems.iter().any(|problem| problem == expected), "{problems:#?}");
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let ok = "  - id: a.b\n    name: B\n    owner: o\n";
    check(
        "  - id: a.b\n    name: B\n    onwer: o\n",
        "t.yaml:7:5: error: a reason has no `onwer` (did you mean `owner`?)",
    );
    check(
        &format!("{ok}    any: {{en: [no]}}\n"),
        "t.yaml:8:16: error: a text is wanted, not a boolean (put it in quotes: \"no\")",
    );
    check(
        &format!("{ok}    agent_codes: [17]\n"),
        "t.yaml:8:19: error: a text is wanted, not a number (put it in quotes: \"17\")",
    );
    check(
        &format!("{ok}  - id: a.b\n    name: C\n    owner: o\n"),
        "t.yaml:8:5: error: the reason `a.b` is there already, at line 5 (give each reason one entry)",
    );
    check(
        "  - id: a.b\n    name: B\n",
        "t.yaml:5:5: error: `a.b` has no owner (name the role that can remove its cause: `owner: …`)",
    );
    check(
        &format!("{ok}    value: {{customer: -2, organisation: 2}}\n    action: eliminate\n"),
        "t.yaml:9:13: error: `eliminate` does not agree with the scores customer -2, organisation 2 \
         (these scores say simplify)",
    );
    check(
        &format!("{ok}    repeat_window: 2 weeks\n"),
        "t.yaml:8:20: error: `2 weeks` is no length of time \
         (write a whole number and d, h, m or s, such as 14d)",
    );
    check(
        &format!("{ok}    any: {{en: [\"{{fee}} twice\"]}}\n"),
        "t.yaml:8:16: error: there is no word set `fee` (define it under `words:`)",
    );
    check(
        &format!("{ok}    demand: bad\n"),
        "t.yaml:8:13: error: `bad` is no `demand` (one of value, failure)",
    );
    check(
        "  - id: x.b\n    name: B\n    owner: o\n",
        "t.yaml:5:5: error: there is no area `x` (add it under `areas:`)",
    );
    check("  - id: a.b.c\n", "t.yaml:5:5: error: `a.b.c` has no reason above it (add `a.b`)");
}

#[test]
fn what_a_reason_replaces_is_an_id_once_and_in_no_circle() {
    let reason = |id: &str, replaces: &str| {
        format!("  - {{id: {id}, name: N, owner: o, replaces: {replaces}}}\n")
    };
    for (replaces, expected) in [
        ("a.x", "t.yaml:5:44: error: a list is wanted, not a text (write it as [one, two])"),
        (
            "[a.b]",
            "t.yaml:5:45: error: `a.b` replaces itself (leave it out: a reason that keeps its id \
             keeps its history)",
        ),
        ("[a.x, a.x]", "t.yaml:5:50: error: `a.x` is named twice"),
        (
            "[A]",
            "t.yaml:5:45: error: `A` is no reason id (write area.reason or area.reason.cause, with \
             a-z, 0-9 and _)",
        ),
    ] {
        check(&reason("a.b", replaces), expected);
    }
    let circle = [
        reason("a.b", "[a.old]"),
        reason("a.c", "[a.e]"),
        reason("a.d", "[a.c, a.b]"),
        reason("a.e", "[a.d]"),
    ];
    check(
        &circle.concat(),
        "t.yaml:6:5: error: `a.c` replaces `a.e`, which replaces `a.d`, which replaces \
         `a.c`: a circle (name ids of the version before; one that stays in the file needs no entry)",
    );
    let chain = [reason("a.b", "[a.old]"), reason("a.c", "[a.b]"), reason("a.d", "[a.c, a.b]")];
    let errors = |found: Vec<String>| found.into_iter().filter(|one| one.contains("error"));
    assert_eq!(errors(problems(&chain.concat())).count(), 0);
}

#[test]
fn several_mistakes_are_said_at_once_in_order() {
    let found = problems("  - id: a\n    cost: much\n    who: me\n  - 7\n");
    let lines: Vec<&str> = found.iter().filter_map(|p| p.split(':').nth(1)).collect();
    assert_eq!(lines, ["5", "6", "7", "8"], "{found:#?}");
}

#[test]
fn broken_yaml_and_empty_files() {
    let of = |yaml: &str| match Taxonomy::parse(yaml, "t.yaml") {
        Ok(_) => panic!("should be refused"),
        Err(problems) => problems[0].to_string(),
    };
    assert_eq!(of("id: [\n"), "t.yaml:1:5: error: not valid YAML: unclosed bracket '['");
    assert_eq!(of(""), "t.yaml:1:1: error: the file is empty");
    assert!(of("version: 2\nid: t\nreasons: []\n").contains("this build reads version 1"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    assert!(!of(bomb).is_empty());
}

#[test]
fn checks_run_examples_and_find_overlaps() {
    let reason = |id: &str, phrase: &str, tests: &str| {
        format!("  - id: a.{id}\n    name: N\n    owner: o\n    any: {{en: [{phrase}]}}\n{tests}")
    };
    let both = [
        reason(
            "b",
            "late",
            "    test: {match: [so late, too late, very late], skip: [late again]}\n",
        ),
        reason("c", "=late", ""),
    ]
    .concat();
    let found = problems(&both);
    assert!(
        found.iter().any(|p| p.starts_with("t.yaml:9:")
            && p.contains("this text should not match `a.b` but does")),
        "{found:#?}"
    );
    assert!(found.iter().any(|p| p.contains("`a.b` and `a.c` fire together on 4 of 4 examples")));
    assert!(found.iter().any(|p| p.contains("2 level-2 reasons")));
    let missed = problems(&reason("b", "late", "    test:\n      match: [early]\n"));
    assert!(
        missed.iter().any(|p| p
            .starts_with("t.yaml:10:15: error: this text should match `a.b` but gives nothing")),
        "{missed:#?}"
    );
}

#[test]
fn the_version_follows_the_content() {
    let of = |yaml: String| Taxonomy::parse(&yaml, "t.yaml").map(|t| t.version().to_owned());
    let reasons = "  - id: a.b\n    name: B\n    owner: o\n";
    let one = of(format!("{HEAD}{reasons}")).expect("valid");
    let other = of(format!("{HEAD}{reasons}# a note\n")).expect("valid");
    assert_ne!(one, other);
    assert_eq!((&one[..2], one.len()), ("t@", 14));
    assert!(Taxonomy::none().check().iter().all(|p| p.severity == Severity::Warning));
}
