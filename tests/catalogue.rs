//! The life of a reason catalogue at the command line: checked on real texts, compared with its
//! next version, and grown by what no reason fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quell_model::UNCLASSIFIED;
use quell_taxonomy::{TagInput, TagSettings, Tagger, Taxonomy};
use quell_tests::binary::{replay, root, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const SHOP: &str = "taxonomies/ecommerce.yaml";
const MIXED: &str = "samples/mixed-languages.ndjson";
/// Where everything stands in a row of the sample.
const MIXED_FIELDS: [&str; 8] = [
    "--text",
    "/contact/subject",
    "--text",
    "/contact/body",
    "--lang",
    "/contact/language",
    "--id",
    "/contact/id",
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `quell taxonomy …`; its standard output as JSON, and its standard error.
#[track_caller]
fn asked(args: &[&str]) -> (Value, String) {
    let output = run(&[&["taxonomy"], args, &["--output", "json"]].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).expect("JSON"), said)
}

/// Runs `quell taxonomy …`, which must fail with these words.
#[track_caller]
fn refused(args: &[&str], parts: &[&str]) {
    let output = run(&[&["taxonomy"], args].concat());
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{args:?}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
}

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, text).expect("it is written");
    path.to_string_lossy().into_owned()
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The rows of an answer by the text in one of their members.
fn by<'v>(answer: &'v Value, member: &str) -> BTreeMap<&'v str, &'v Value> {
    let rows = answer.as_array().expect("rows").iter();
    rows.filter_map(|row| Some((row[member].as_str()?, row))).collect()
}

#[test]
fn the_check_on_texts_counts_as_a_tagger_does() {
    let dir = folder();
    let files = replay(dir.path(), &["--taxonomy", SHOP, MIXED]);
    let (_, contacts) = &files[0];
    let contacts_file = dir.path().join("contacts.ndjson").to_string_lossy().into_owned();
    let (found, _) = asked(&["check", SHOP, "--on", &contacts_file]);
    let yaml = fs::read_to_string(root().join(SHOP)).expect("the catalogue is there");
    let taxonomy = Taxonomy::parse(&yaml, SHOP).expect("it loads");
    let mut tagger = Tagger::new(Arc::new(taxonomy), TagSettings::default());
    let (mut texts, mut without) = (0, 0);
    for line in contacts.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let words = |name: &str| row[name].as_str().filter(|text| !text.trim().is_empty());
        let turns = serde_json::from_value(row["turns"].clone()).unwrap_or_else(|_| Vec::new());
        if row["standing"] != "counted"
            || (words("subject").is_none() && words("body").is_none() && turns.is_empty())
        {
            continue;
        }
        let tagging = tagger.tag(&TagInput {
            language_hint: words("language"),
            subject: words("subject"),
            body: words("body"),
            turns: &turns,
            agent_code: words("agent_code"),
        });
        texts += 1;
        without += u64::from(tagging.reasons[0].reason.0 == UNCLASSIFIED);
    }
    assert!(texts > 20, "the sample has contacts");
    assert_eq!((&found["texts"], &found["unclassified"]), (&json!(texts), &json!(without)));
    let languages = found["languages"].as_array().expect("languages");
    let sum = |rows: &[Value], member: &str| -> u64 {
        rows.iter().filter_map(|row| row[member].as_u64()).sum()
    };
    assert_eq!((sum(languages, "texts"), sum(languages, "without_reason")), (texts, without));
    let mut fired = 0;
    for reason in found["reasons"].as_array().expect("reasons") {
        let by_language = reason["by_language"].as_object().expect("languages").values();
        assert_eq!(reason["matches"], by_language.filter_map(Value::as_u64).sum::<u64>());
        fired += reason["matches"].as_u64().unwrap_or(0);
    }
    assert!(fired >= texts - without);
}

#[test]
fn rows_of_any_form_are_read_and_each_form_of_the_answer_holds_its_parts() {
    let args = [&["check", SHOP, "--on", MIXED][..], &MIXED_FIELDS].concat();
    let (found, said) = asked(&args);
    assert!(said.contains("without a reason") && said.contains("left out"), "{said}");
    let reasons = by(&found["reasons"], "reason");
    assert!(
        reasons["billing.duplicate_charge"]["by_language"]["zh"].as_u64() >= Some(1),
        "{found}"
    );
    let (only, _) = asked(&[&args[..], &["--only", "reasons"]].concat());
    assert_eq!(only, found["reasons"]);
    let show = |form: &str| text(&run(&[&["taxonomy"], &args[..], &["-o", form]].concat()).stdout);
    let csv = show("csv");
    assert!(csv.starts_with("reason,matches,percent,by_language,no_phrase_in\n"), "{csv}");
    assert_eq!(csv.lines().count(), reasons.len() + 1);
    let table = show("table");
    assert!(table.contains("Languages of the texts") && table.contains("What to look at"));
    let rows: Vec<Value> =
        show("ndjson").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |part: &str| rows.iter().filter(|row| row["part"] == part).count();
    assert_eq!(of("reasons"), reasons.len());
    assert_eq!(of("findings"), found["findings"].as_array().map_or(0, Vec::len));
    assert!(!table.contains("example.com") && !found.to_string().contains("example.com"));
}

const HEAD: &str = "version: 1\nid: desk\nareas: {a: {name: A}, b: {name: B}}\nreasons:\n";

fn reason(id: &str, rest: &str) -> String {
    format!("  - {{id: {id}, name: {{en: {id}}}, owner: o, {rest}}}\n")
}

/// A desk before and after: delivery is split, two refunds are one, the login gets another id.
fn before_and_after(dir: &TempDir) -> [String; 2] {
    let old = [
        HEAD.to_owned(),
        reason("a.delivery", "any: {en: [parcel]}"),
        reason("a.refund_card", "any: {en: [card refund]}"),
        reason("a.refund_cash", "any: {en: [cash refund]}"),
        reason("a.login", "any: {en: [password]}"),
    ];
    let new = [
        HEAD.to_owned(),
        reason("a.delivery", "any: {en: [parcel]}, unless: {en: [late]}"),
        reason("a.late", "all: {en: [parcel, late]}, replaces: [a.delivery]"),
        reason("a.refund", "any: {en: [refund]}, replaces: [a.refund_card, a.refund_cash]"),
        reason("b.login", "any: {en: [password]}, replaces: [a.login]"),
    ];
    [write(dir, "old.yaml", &old.concat()), write(dir, "new.yaml", &new.concat())]
}

/// January: 40 parcels, 10 of them late. February: 6 refunds, 2 of the gift cards that only the
/// new version knows as refunds, 3 logins.
fn desk_rows() -> Vec<Value> {
    let texts = (0..51).map(|n| match n {
        0..10 => "where is my late parcel",
        10..40 => "my parcel is blue",
        40..43 => "the cash refund please",
        43..46 => "a card refund please",
        46..48 => "a refund of my voucher please",
        _ => "my password is gone, write to kim@example.com",
    });
    let row = |(n, text): (usize, &str)| {
        let time = if n < 40 { "2026-01-20" } else { "2026-02-03" };
        json!({"id": n, "when": time, "text": text, "lang": "en"})
    };
    texts.enumerate().map(row).collect()
}

#[test]
fn a_diff_tells_changes_moves_and_both_histories() {
    let dir = folder();
    let [old, new] = before_and_after(&dir);
    let data = write(&dir, "data.ndjson", &lines(&desk_rows()));
    let on = ["--on", &data, "--text", "text", "--lang", "lang", "--time", "when"];
    let (found, said) = asked(&[&["diff", &old, &new][..], &on].concat());
    let changes: Vec<String> = found["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|row| format!("{} {} {}", row["change"], row["from"], row["to"]))
        .collect();
    let expected = [
        r#""split" ["a.delivery"] ["a.delivery","a.late"]"#,
        r#""redefined" ["a.delivery"] ["a.delivery"]"#,
        r#""moved" ["a.login"] ["b.login"]"#,
        r#""merged" ["a.refund_card","a.refund_cash"] ["a.refund"]"#,
    ];
    assert_eq!(changes, expected);
    let moves: Vec<(String, &Value, &Value)> = found["moves"]
        .as_array()
        .expect("moves")
        .iter()
        .map(|row| {
            (format!("{}>{}", row["from"], row["to"]), &row["contacts"], &row["is_declared"])
        })
        .map(|(way, contacts, declared)| (way.replace('"', ""), contacts, declared))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    let expected = [
        ("a.delivery>a.late".to_owned(), &json!(10), &yes),
        ("a.login>b.login".to_owned(), &json!(3), &yes),
        ("a.refund_card>a.refund".to_owned(), &json!(3), &yes),
        ("a.refund_cash>a.refund".to_owned(), &json!(3), &yes),
        ("_unclassified>a.refund".to_owned(), &json!(2), &no),
    ];
    assert_eq!(moves, expected);
    let history: Vec<String> = found["history"]
        .as_array()
        .expect("history")
        .iter()
        .map(|row| {
            let columns = ["month", "reason", "as_it_was", "restated", "tagged_anew"];
            columns.map(|name| row[name].to_string().replace('"', "")).join(" ")
        })
        .collect();
    let expected = [
        "2026-01 a.delivery 40.0 30.0 30.0",
        "2026-01 a.late 0.0 10.0 10.0",
        "2026-02 a.login 3.0 0.0 0.0",
        "2026-02 a.refund 0.0 6.0 8.0",
        "2026-02 a.refund_card 3.0 0.0 0.0",
        "2026-02 a.refund_cash 3.0 0.0 0.0",
        "2026-02 b.login 0.0 3.0 3.0",
    ];
    assert_eq!(history, expected);
    assert!(said.contains("21.0 of 51 contacts would move, 19.0 as declared; 2.0 get a reason"));
    assert!(!found.to_string().contains("example.com") && !found.to_string().contains("parcel is"));
    // Without texts the changes alone are told.
    let (bare, _) = asked(&["diff", &old, &new]);
    assert_eq!((&bare["changes"], &bare["moves"]), (&found["changes"], &json!([])));
}

#[test]
fn a_replaced_reason_that_never_was_is_told_with_its_line() {
    let dir = folder();
    let [old, _] = before_and_after(&dir);
    let yaml = [HEAD.to_owned(), reason("a.delivery", "replaces: [a.parcel]")].concat();
    let new = write(&dir, "wrong.yaml", &yaml);
    let output = run(&["taxonomy", "diff", &old, &new]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("wrong.yaml:5:5: error: `a.delivery` replaces `a.parcel`"), "{said}");
    let yaml = [HEAD.to_owned(), reason("a.delivery", "replaces: [a.delivery]")].concat();
    let circular = write(&dir, "self.yaml", &yaml);
    refused(&["diff", &old, &circular], &["self.yaml:5:", "`a.delivery` replaces itself"]);
}

/// Five weeks of a desk where freezers begin to buzz, and nobody foresaw it.
fn months_of_freezers() -> Vec<Value> {
    let nouns = ["invoice", "account", "voucher", "size", "colour", "address", "return", "parcel"];
    let verbs = ["change", "find", "send", "check", "cancel", "update", "lose", "order"];
    let whens = ["monday", "yesterday", "online", "quickly", "twice", "abroad", "tomorrow"];
    let buzzing = [
        "the new freezer makes a loud buzzing noise at night, call +36 30 123 4567",
        "freezer buzzing since delivery, the noise is loud, kim@example.com",
        "loud buzzing from our freezer",
        "noise! the freezer keeps buzzing",
    ];
    let row = |n: usize| {
        let (a, b, c) = (nouns[n % 8], verbs[n / 8 % 8], whens[n / 3 % 7]);
        let text = match n {
            300.. if n.is_multiple_of(12) => buzzing[n / 12 % 4].to_owned(),
            _ => format!("how to {b} my {a} {c} item{}", n % 97),
        };
        let when = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + n / 24, n % 24, n % 60);
        json!({"id": format!("c{n:04}"), "when": when, "who": format!("p{n}"), "text": text})
    };
    (0..720).map(row).collect()
}

const FOUND_BY: [&str; 6] = ["--text", "text", "--time", "when", "--customer", "who"];

#[test]
fn what_no_reason_fits_is_found_named_and_written_as_a_reason() {
    let dir = folder();
    let [shop, _] = before_and_after(&dir);
    let mut rows = months_of_freezers();
    let data = write(&dir, "data.ndjson", &lines(&rows));
    let search = |data: &str| {
        asked(&[&["discover", "--taxonomy", &shop, "--on", data][..], &FOUND_BY].concat())
    };
    let (found, said) = search(&data);
    assert!(said.contains("720 texts") && said.contains("candidates as of 2026-01-30"), "{said}");
    let candidates = found.as_array().expect("candidates");
    let is_freezer = |one: &&Value| one["name"].as_str().is_some_and(|n| n.contains("freezer"));
    let freezer = candidates.iter().find(is_freezer).expect("the freezers are found");
    assert_eq!(freezer["customers"], 35, "{freezer}");
    assert_eq!(freezer["first_seen"], "2026-01-13T12:00:00Z");
    assert_eq!(freezer["languages"], json!({"en": 35}));
    assert!(freezer["examples"].as_array().is_some_and(|all| !all.is_empty()));
    rows.reverse();
    let backwards = write(&dir, "backwards.ndjson", &lines(&rows));
    assert_eq!(search(&backwards).0, found, "the order of the rows does not show");

    let new = dir.path().join("grown.yaml").to_string_lossy().into_owned();
    let accept = format!("{}=b.noise", freezer["candidate"].as_str().unwrap_or_default());
    let accepting = [
        &["taxonomy", "discover", "--taxonomy", &shop, "--on", &data][..],
        &FOUND_BY,
        &["--accept", &accept, "--owner", "suppliers", "--name", "Noisy freezer"],
    ]
    .concat();
    let printed = run(&accepting);
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    let fragment = text(&printed.stdout);
    assert!(fragment.starts_with("  - id: \"b.noise\"\n    name: {en: \"Noisy freezer\"}\n"));
    let written = run(&[&accepting[..], &["--write", &new]].concat());
    assert!(written.status.success(), "{}", text(&written.stderr));
    let yaml = fs::read_to_string(&new).expect("the catalogue is written");
    assert!(yaml.ends_with(&fragment) && !yaml.contains("example.com") && !yaml.contains("4567"));
    let taxonomy = Taxonomy::parse(&yaml, "grown.yaml").expect("it loads");
    assert!(taxonomy.reasons().iter().any(|reason| reason.id.as_str() == "b.noise"));

    let on = ["--on", &data, "--text", "text", "--time", "when"];
    let (moved, _) = asked(&[&["diff", &shop, &new][..], &on].concat());
    let to_noise = &by(&moved["moves"], "to")["b.noise"];
    assert_eq!((&to_noise["from"], &to_noise["contacts"]), (&json!(UNCLASSIFIED), &json!(35)));
    let again = asked(&[&["discover", "--taxonomy", &new, "--on", &data][..], &FOUND_BY].concat());
    assert!(!again.0.as_array().is_some_and(|all| all.iter().any(|one| is_freezer(&one))));
    let there = [&accepting[1..], &["--write", &new]].concat();
    refused(&there, &["grown.yaml is there already"]);
}

#[test]
fn what_was_to_be_seen_by_a_day_is_told_without_what_came_later() {
    let dir = folder();
    let [shop, _] = before_and_after(&dir);
    let rows = months_of_freezers();
    let data = write(&dir, "data.ndjson", &lines(&rows));
    let early = write(&dir, "early.ndjson", &lines(&rows[..480]));
    let search = |data: &str, rest: &[&str]| {
        let args = ["discover", "--taxonomy", &shop, "--on", data];
        asked(&[&args[..], &FOUND_BY, rest].concat()).0
    };
    let until = search(&data, &["--until", "2026-01-21"]);
    assert_eq!(until, search(&early, &[]));
    assert_ne!(until, search(&data, &[]));
}

#[test]
fn what_cannot_be_done_says_where_and_what_to_do() {
    let dir = folder();
    let [shop, new] = before_and_after(&dir);
    let data = write(&dir, "data.ndjson", &lines(&desk_rows()));
    let on = ["check", &shop, "--on", &data];
    refused(&[&on[..], &["--text", "body"]].concat(), &["`body`", "id, lang, text, when"]);
    refused(&on, &["data.ndjson:1:", "--text"]);
    refused(&[&on[..], &["--text", "text", "--id", "key"]].concat(), &["data.ndjson:1", "`key`"]);
    let only = [&on[..], &["--text", "text", "--only", "overlap"]].concat();
    refused(&only, &["`overlap`", "reasons, languages, overlaps, findings"]);
    let diff = ["diff", &shop, &new, "--on", &data, "--text", "text"];
    refused(&[&diff[..], &["--time", "text"]].concat(), &["data.ndjson:1", "2026-01-31"]);
    refused(&["check", &shop, "--text", "text"], &["--on"]);
    refused(&["diff", "nowhere.yaml", &new], &["nowhere.yaml"]);
    let empty = write(&dir, "empty.ndjson", "\n");
    refused(&["check", &shop, "--on", &empty], &["no texts"]);
    let discover = ["discover", "--taxonomy", &shop, "--on", &data, "--text", "text"];
    let accept =
        |value: &'static str| [&discover[..], &["--owner", "o", "--accept", value]].concat();
    let id = "candidate_0123456789abcdef";
    refused(&accept("candidate_0123456789abcdef=a.new"), &[id, "there are: none"]);
    refused(&accept("candidate_0123456789abcdef=c.new"), &["`c.new`", "there are a, b"]);
    refused(&accept("candidate_0123456789abcdef=a.login"), &["has the reason `a.login` already"]);
    refused(&accept("7=a.new"), &["candidate_0123456789abcdef"]);
    refused(&[&discover[..], &["--accept", "x=a.b"]].concat(), &["candidate's id"]);
    refused(&[&discover[..], &["--until", "2026-01-01"]].concat(), &["--time"]);
}

#[test]
fn a_model_learns_nothing_from_what_nobody_found_a_reason_for() {
    let dir = folder();
    let asks = ["my parcel has not come", "i forgot my password", "hello there"];
    let labels = ["delivery.late", "account.password", UNCLASSIFIED];
    let row = |n: usize| json!({"text": format!("{} {n}", asks[n % 3]), "label": labels[n % 3]});
    let rows: Vec<Value> = (0..90).map(row).collect();
    let known: Vec<Value> = (0..90).filter(|n| n % 3 < 2).map(row).collect();
    let train = |name: &str, rows: &[Value]| -> (Vec<u8>, String) {
        let data = write(&dir, &format!("{name}.ndjson"), &lines(rows));
        let model: PathBuf = dir.path().join(name);
        let model_name = model.to_string_lossy().into_owned();
        let fields = ["--text", "text", "--label", "label"];
        let args = [&["tagger", "train"], &fields[..], &["--model", &model_name, &data]].concat();
        let output = run(&args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        (fs::read(Path::new(&model)).expect("the model is there"), text(&output.stderr))
    };
    let (with, said) = train("with", &rows);
    let (without, _) = train("without", &known);
    assert!(with == without, "the same model");
    assert!(said.contains("30 rows are `_unclassified` and teach nothing"), "{said}");
    assert!(said.contains("2 labels from 60 texts"), "{said}");
}
