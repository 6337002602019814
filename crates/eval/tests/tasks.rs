//! The tasks over small inputs of known form: what is said of a moment depends on nothing after it,
//! what is planted is found, and a broken line is named.

use std::fs;
use std::io::Write;
use std::path::Path;

use quell_eval::{EvalError, Task, run};
use serde_json::{Value, json};

/// Numbers that look random and are the same in every run.
struct Scatter(u64);

impl Scatter {
    /// About `mean`, with a spread like that of a count.
    fn count(&mut self, mean: f64) -> u64 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            sum += (self.0 >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
        }
        (mean + sum * (3.0 * mean).sqrt()).round().max(0.0) as u64
    }
}

/// What a task says of these rows.
fn said(task: Task, rows: &[Value]) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("a folder");
    let input = dir.path().join("input.ndjson");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    fs::write(&input, lines.join("\n")).expect("the input is written");
    of(task, &input)
}

fn of(task: Task, input: &Path) -> Vec<Value> {
    let mut out = Vec::new();
    run(task, input, &mut out).expect("the task runs");
    let text = String::from_utf8(out).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn numbers(line: &Value, field: &str) -> Vec<u64> {
    line[field].as_array().expect("a list").iter().filter_map(Value::as_u64).collect()
}

/// Counts of a series with a rise to `times` as many from `from` on, for eight periods.
fn series(periods: usize, mean: f64, from: usize, times: f64, seed: u64) -> Vec<u64> {
    let mut scatter = Scatter(seed);
    let mean_at = |at| if (from..from + 8).contains(&at) { mean * times } else { mean };
    (0..periods).map(|at| scatter.count(mean_at(at))).collect()
}

/// Alarms of the first series, of a tenant cut after so many periods.
fn alarms(task: Task, tenant: &[Value], cut: usize) -> Vec<u64> {
    let rows: Vec<Value> = tenant
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row["counts"].as_array_mut().expect("counts").truncate(cut);
            row
        })
        .collect();
    numbers(&said(task, &rows)[0], "alarms")
}

#[test]
fn an_alarm_of_a_week_or_day_knows_nothing_of_later_ones() {
    let weekly = |n: u64| {
        json!({"series": n.to_string(), "unit": "week",
        "counts": series(400, 20.0, 380, 4.0, n)})
    };
    let daily = |n: u64| {
        json!({"series": n.to_string(), "unit": "day", "week_days": 7,
        "holidays": [], "counts": series(1_700, 30.0, 1_660, 4.0, n)})
    };
    let tenants: [(Task, Vec<Value>, u64, [usize; 2]); 2] = [
        (Task::Weekly, (1..5).map(weekly).collect(), 380, [384, 250]),
        (Task::Daily, (1..5).map(daily).collect(), 1_660, [1_664, 1_200]),
    ];
    for (task, tenant, from, cuts) in tenants {
        let whole = alarms(task, &tenant, usize::MAX);
        let during = |alarm: &&u64| (from + 1..=from + 8).contains(*alarm);
        assert!(whole.iter().any(|alarm| during(&alarm)), "{task:?}: {whole:?}");
        let false_ones = whole.iter().filter(|alarm| **alarm <= from).count() as u64;
        assert!(false_ones <= from / 50, "{task:?}: {whole:?}");
        for cut in cuts {
            let before: Vec<u64> =
                whole.iter().copied().filter(|alarm| *alarm <= cut as u64).collect();
            assert_eq!(alarms(task, &tenant, cut), before, "{task:?} cut at {cut}");
        }
    }
}

/// A world of twenty reasons; the first has six times as many contacts for a day.
fn world(hours: usize) -> Value {
    let mut scatter = Scatter(3);
    let mut reasons = serde_json::Map::new();
    let all = 2_000;
    for n in 0..20 {
        let mean = |hour: usize| {
            let by_day = if (8..20).contains(&(hour % 24)) { 6.0 } else { 1.0 };
            by_day * if n == 0 && (1_500..1_524).contains(&hour) { 6.0 } else { 1.0 }
        };
        let mut counts: Vec<u64> = (0..all).map(|hour| scatter.count(mean(hour))).collect();
        counts.truncate(hours);
        reasons.insert(format!("r{n}"), json!({"contacts": counts, "customers": counts}));
    }
    json!({"world": "w", "unit": "hour", "hours": hours, "warmup": 1_008, "holidays_day": [],
        "orders": vec![500.0; hours], "reasons": reasons})
}

#[test]
fn an_issue_opens_at_the_hour_that_shows_it_whatever_comes_later() {
    let whole = said(Task::Contacts, &[world(2_000)]);
    assert_eq!(whole.len(), 1, "{whole:?}");
    let open = whole[0]["open"].as_u64().expect("an hour");
    assert_eq!(whole[0]["reason"], "r0");
    assert!((1_500..1_524).contains(&open), "{open}");
    let close = whole[0]["close"].as_u64().expect("it closes");
    assert!((1_524..1_700).contains(&close), "{close}");
    let cut = said(Task::Contacts, &[world(open as usize + 1)]);
    assert_eq!([&cut[0]["open"], &cut[0]["close"]], [&whole[0]["open"], &Value::Null]);
    assert!(said(Task::Contacts, &[world(open as usize)]).is_empty(), "not an hour before");
}

#[test]
fn a_new_theme_is_told_once_and_not_for_one_customer() {
    let mut scatter = Scatter(9);
    let mut text = |id: u64, theme: Option<u64>| {
        let mut tokens: Vec<String> = (0..8).map(|_| format!("w{}", scatter.count(60.0))).collect();
        tokens.extend(theme.iter().flat_map(|n| ["a", "b"].map(|part| format!("new{part}{n}"))));
        json!({"id": id, "day": id as f64 / 100.0, "customer": id, "tokens": tokens})
    };
    let texts: Vec<Value> = (0..4_000)
        .map(|id| {
            let shown = (id >= 3_000 && id % 20 == 0).then_some(1);
            let spam = (id >= 3_000 && id % 20 == 7).then_some(2);
            let mut text = text(id, shown.or(spam));
            if spam.is_some() {
                text["customer"] = json!(7);
            }
            text
        })
        .collect();
    let themes = said(Task::Themes, &texts);
    assert_eq!(themes.len(), 1, "{themes:?}");
    let terms = themes[0]["terms"].as_array().expect("terms");
    assert!(terms.contains(&json!("newa1")) && terms.contains(&json!("newb1")), "{terms:?}");
    let told = themes[0]["id"].as_u64().expect("an id") as usize;
    assert_eq!(said(Task::Themes, &texts[..=told]), themes);
    assert!(said(Task::Themes, &texts[..told]).is_empty());
}

#[test]
fn the_cell_that_carries_the_difference_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut scatter = Scatter(5);
    let mut rows = "region,product,real,predict\n".to_owned();
    for region in ["north", "south", "west"] {
        for product in ["box", "bag", "cup", "pen"] {
            let times = if (region, product) == ("south", "cup") { 3.0 } else { 1.0 };
            rows.push_str(&format!("{region},{product},{},100\n", scatter.count(100.0 * times)));
        }
    }
    fs::write(dir.path().join("one.csv"), rows).expect("the cube is written");
    let found = of(Task::Rca, dir.path());
    assert_eq!(found[0]["case"], "one");
    assert_eq!(found[0]["causes"], json!([{"region": "south", "product": "cup"}]));
}

#[test]
fn a_score_of_a_bin_knows_nothing_of_later_ones() {
    let scores = |bins: usize| {
        let dir = tempfile::tempdir().expect("a folder");
        let file = fs::File::create(dir.path().join("s.csv.gz")).expect("a file");
        let mut rows = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        let mut scatter = Scatter(11);
        writeln!(rows, "timestamp,value").expect("written");
        for bin in 0..bins {
            let mean = if (3_000..3_012).contains(&bin) { 300.0 } else { 30.0 };
            writeln!(rows, "{bin},{}", scatter.count(mean)).expect("written");
        }
        rows.finish().expect("written");
        let lines = of(Task::Nab, dir.path());
        assert_eq!(lines[0]["file"], "s.csv");
        let scores = lines[0]["scores"].as_array().expect("scores").clone();
        scores.into_iter().filter_map(|score| score.as_f64()).collect::<Vec<f64>>()
    };
    let whole = scores(3_500);
    let highest = (0..whole.len()).max_by(|a, b| whole[*a].total_cmp(&whole[*b]));
    assert!(highest.is_some_and(|bin| (3_000..3_012).contains(&bin)), "{highest:?}");
    assert_eq!(scores(3_003), whole[..3_003]);
}

#[test]
fn what_drives_a_score_gets_the_larger_share() {
    let mut scatter = Scatter(13);
    let rows: Vec<Value> = (0..500)
        .map(|_| {
            let [a, b, noise] = [(); 3].map(|()| scatter.count(100.0) as f64 - 100.0);
            json!([a, b, 3.0 * a + b + noise])
        })
        .collect();
    let case = json!({"case": "k", "drivers": ["a", "b"], "rows": rows});
    let share = &said(Task::Drivers, &[case])[0]["share"];
    let (a, b) = (share["a"].as_f64().expect("a share"), share["b"].as_f64().expect("a share"));
    assert!((a - 0.9).abs() < 0.05 && (a + b - 1.0).abs() < 1e-9, "{share}");
}

#[test]
fn a_reason_that_brings_another_is_found() {
    let mut scatter = Scatter(17);
    let mut rows = Vec::new();
    for customer in 0..6_000_u64 {
        let day = (customer % 300) as f64 + 0.1;
        let reason = ["order", "bill", "login", "return"][(customer % 4) as usize];
        rows.push(json!({"day": day, "customer": customer, "reason": reason}));
        let follows = reason == "order" && scatter.count(20.0) > 22;
        if follows {
            rows.push(json!({"day": day + 2.0, "customer": customer, "reason": "refund"}));
        }
        let other = customer % 40 == 0;
        if other {
            rows.push(json!({"day": day + 50.0, "customer": customer, "reason": "refund"}));
        }
    }
    let pairs = said(Task::Chains, &rows);
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    assert_eq!([&pairs[0]["a"], &pairs[0]["b"]], ["order", "refund"]);
}

#[test]
fn an_action_that_halves_contacts_has_reduced_them() {
    let mut scatter = Scatter(19);
    let mut days = |after: f64| -> Vec<u64> {
        (0..160).map(|day| scatter.count(if day < 100 { 80.0 } else { 80.0 * after })).collect()
    };
    let case = |name: &str, contacts: Vec<u64>, controls: Vec<Vec<u64>>| {
        json!({"case": name, "unit": "day", "action_at": 100, "contacts": contacts,
            "orders": vec![1_000; 160], "controls": controls})
    };
    let mut same = || vec![days(1.0), days(1.0), days(1.0)];
    let controls = [same(), same()];
    let [first, second] = controls;
    let cases = [case("halved", days(0.5), first), case("as before", days(1.0), second)];
    let found = said(Task::Actions, &cases);
    assert_eq!([&found[0]["verdict"], &found[1]["verdict"]], ["reduced", "none"], "{found:?}");
    let effect = found[0]["effect"].as_f64().expect("an effect");
    assert!((effect + 0.5).abs() < 0.1, "{effect}");
}

#[test]
fn a_broken_line_is_named_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let input = dir.path().join("input.ndjson");
    fs::write(&input, "{\"series\": \"a\", \"counts\": [1]}\n\n{\"series\": 7}\n")
        .expect("written");
    let error = run(Task::Weekly, &input, &mut Vec::new()).expect_err("no series");
    assert!(matches!(&error, EvalError::Line { line: 3, .. }), "{error}");
    assert!(error.to_string().contains("input.ndjson, line 3"), "{error}");
    let missing = run(Task::Daily, &dir.path().join("none"), &mut Vec::new());
    assert!(matches!(missing, Err(EvalError::Io { .. })));
    assert!("hourly".parse::<Task>().is_err_and(|said| said.contains("weekly, daily")));
}
