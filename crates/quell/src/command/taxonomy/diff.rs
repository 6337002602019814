//! `quell taxonomy diff OLD NEW [--on DATA…]`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{anyhow, ensure};
use quell_model::{ReasonId, ReasonTag, TimeMs, UNCLASSIFIED};
use quell_taxonomy::Taxonomy;
use quell_taxonomy::lifecycle::{
    Change, Comparison, Confusion, Flow, Part as Redefined, Replaces, Restatement, changes,
};
use serde_json::{Value, json};

use super::texts::{Count, Fields, each_text};
use super::{deciding, problem_value, read, tag_settings, values};
use crate::Outcome;
use crate::args::TaxonomyDiff;
use crate::output::{Part, Row, number, print_parts, text, thousands};

/// Months counted one by one: more come of a field that is not the contact's time.
const MOST_MONTHS: usize = 1_200;
/// `2026-01` of a time in RFC 3339.
const MONTH_CHARS: usize = 7;

/// Contacts by reason, in millionths of one.
type Amounts = BTreeMap<ReasonId, u64>;

/// What both versions count, by month.
type Months = BTreeMap<String, [Amounts; 2]>;

pub fn run(args: &TaxonomyDiff) -> anyhow::Result<Outcome> {
    let old = deciding(&read(&args.old)?, &args.old, &args.decide)?;
    let new = deciding(&read(&args.new)?, &args.new, &args.decide)?;
    let (replaces, problems) = Replaces::between(&old, &new);
    let unfit = |all: Vec<_>| anyhow!("{}", joined(&all, "; "));
    let changes = changes(&old, &new, &replaces).map_err(unfit)?;
    let (measured, months, count) = measure(args, &old, &new)?;
    let restatement = Restatement::of(&old, &new, &replaces, &measured).map_err(unfit)?;
    let unexpected: BTreeSet<(ReasonId, ReasonId)> =
        restatement.unexpected(&measured).into_iter().map(|flow| (flow.from, flow.to)).collect();
    let is_declared = |flow: &Flow| !unexpected.contains(&(flow.from.clone(), flow.to.clone()));
    let moved = measured.moved();
    let declared = moved.iter().filter(|flow| is_declared(flow));
    let declared: u64 = declared.map(|flow| flow.weight_micros).sum();
    let moves: Vec<Row> = moved.iter().map(|flow| move_row(flow, is_declared(flow))).collect();
    let change_rows: Vec<Row> = changes.iter().map(change_row).collect();
    let history = history(&months, &restatement, &touched(&changes));
    let whole = json!({
        "old": old.version(),
        "new": new.version(),
        "texts": measured.contacts(),
        "moves": values(&moves),
        "changes": values(&change_rows),
        "history": values(&history),
        "problems": problems.iter().map(problem_value).collect::<Vec<_>>(),
    });
    let parts = parts(moves, change_rows, history, args.limit);
    print_parts(args.parts.output.format(), parts, args.parts.only.as_deref(), &whole)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    let versions = format!("{} to {}", old.version(), new.version());
    summarise(&versions, changes.len(), &measured, declared, &count);
    Ok(if problems.is_empty() { Outcome::Done } else { Outcome::Findings })
}

fn joined<T: ToString>(all: &[T], between: &str) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(between)
}

/// Tags every text by both versions.
fn measure(
    args: &TaxonomyDiff,
    old: &Arc<Taxonomy>,
    new: &Arc<Taxonomy>,
) -> anyhow::Result<(Confusion, Months, Count)> {
    let settings = tag_settings(&args.decide)?;
    let mut comparison = Comparison::new(Arc::clone(old), Arc::clone(new), &settings);
    let mut months = Months::new();
    if args.on.is_empty() {
        return Ok((comparison.finish(), months, Count::default()));
    }
    let fields = Fields { rows: &args.rows, time: args.time.as_deref(), customer: None };
    let count = each_text(&args.on, &fields, |text| {
        let (before, after) = comparison.add(&text.id, &text.input());
        if let Some(month) = text.time.map(month) {
            let [was, is] = months.entry(month).or_default();
            add(was, &before);
            add(is, &after);
        }
        let hint = "does --time name the field with the contact's time?";
        ensure!(months.len() <= MOST_MONTHS, "more than {MOST_MONTHS} months: {hint}");
        Ok(())
    })?;
    Ok((comparison.finish(), months, count))
}

fn month(time: TimeMs) -> String {
    time.to_string().chars().take(MONTH_CHARS).collect()
}

fn add(amounts: &mut Amounts, tags: &[ReasonTag]) {
    for tag in tags {
        *amounts.entry(tag.reason.clone()).or_default() += u64::from(tag.weight.0);
    }
}

/// Says how much moves; `declared` is the weight of the moves that were declared.
fn summarise(versions: &str, changes: usize, measured: &Confusion, declared: u64, count: &Count) {
    let moved = measured.moved();
    let weight = |is_meant: &dyn Fn(&Flow) -> bool| -> f64 {
        contacts(moved.iter().filter(|flow| is_meant(flow)).map(|flow| flow.weight_micros).sum())
    };
    let gained = weight(&|flow| flow.from.0 == UNCLASSIFIED);
    let lost = weight(&|flow| flow.to.0 == UNCLASSIFIED);
    let beyond = match measured.beyond_micros() {
        0 => String::new(),
        micros => format!("; {:.1} in rare pairs of reasons not shown", contacts(micros)),
    };
    eprintln!(
        "{versions}: {changes} changes; {:.1} of {} contacts would move, {:.1} as declared; \
         {gained:.1} get a reason, {lost:.1} lose theirs{beyond}{}",
        weight(&|_| true),
        thousands(measured.contacts() as f64),
        contacts(declared),
        count.note(),
    );
}

/// Millionths of a contact as contacts.
fn contacts(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn parts(moves: Vec<Row>, changes: Vec<Row>, history: Vec<Row>, limit: usize) -> Vec<Part> {
    let all = moves.len();
    vec![
        Part {
            name: "moves",
            title: format!("Where contacts would move: {} of {all} pairs", limit.min(all)),
            columns: vec![
                text("from"),
                text("to"),
                number("contacts"),
                number("weight"),
                text("declared"),
                text("examples"),
            ],
            rows: moves.into_iter().take(limit).collect(),
        },
        Part {
            name: "changes",
            title: "What changed in the catalogue".to_owned(),
            columns: vec![text("change"), text("from"), text("to"), text("what")],
            rows: changes,
        },
        Part {
            name: "history",
            title: "Contacts by month of the reasons that come, go, split or merge".to_owned(),
            columns: vec![
                text("month"),
                text("reason"),
                number("as_it_was"),
                number("restated"),
                number("not_restated"),
                number("tagged_anew"),
            ],
            rows: history,
        },
    ]
}

fn move_row(flow: &Flow, is_declared: bool) -> Row {
    let cells = vec![
        flow.from.0.clone(),
        flow.to.0.clone(),
        thousands(flow.contacts as f64),
        format!("{:.1}", contacts(flow.weight_micros)),
        if is_declared { "yes" } else { "no" }.to_owned(),
        joined(&flow.exemplars, " "),
    ];
    let value = json!({
        "from": flow.from,
        "to": flow.to,
        "contacts": flow.contacts,
        "weight": contacts(flow.weight_micros),
        "is_declared": is_declared,
        "examples": flow.exemplars,
    });
    Row { cells, value }
}

fn change_row(change: &Change) -> Row {
    let one = |id: &ReasonId| vec![id.0.clone()];
    let all = |ids: &[ReasonId]| ids.iter().map(|id| id.0.clone()).collect::<Vec<_>>();
    let (kind, from, to, what) = match change {
        Change::Added { id } => ("added", Vec::new(), one(id), String::new()),
        Change::Removed { id } => ("removed", one(id), Vec::new(), String::new()),
        Change::Moved { from, to } => ("moved", one(from), one(to), String::new()),
        Change::Split { from, into } => ("split", one(from), all(into), String::new()),
        Change::Merged { from, into } => ("merged", all(from), one(into), String::new()),
        Change::Renamed { id, old, new } => ("renamed", one(id), one(id), renamed(old, new)),
        Change::Redefined { id, parts } => {
            let parts: Vec<&str> = parts.iter().copied().map(Redefined::as_str).collect();
            ("redefined", one(id), one(id), parts.join(", "))
        }
    };
    let value = json!({"change": kind, "from": from, "to": to, "what": what});
    Row { cells: vec![kind.to_owned(), from.join(" "), to.join(" "), what], value }
}

/// `en: Lost parcel → Late parcel`, for each language whose name differs.
fn renamed(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> String {
    let languages: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let name = |names: &BTreeMap<String, String>, language: &str| -> String {
        names.get(language).map_or("–", String::as_str).to_owned()
    };
    let differing =
        languages.into_iter().filter(|language| old.get(*language) != new.get(*language));
    let shown: Vec<String> = differing
        .map(|language| format!("{language}: {} → {}", name(old, language), name(new, language)))
        .collect();
    shown.join(", ")
}

/// The reasons whose history reads otherwise.
fn touched(changes: &[Change]) -> BTreeSet<ReasonId> {
    let mut ids = BTreeSet::new();
    for change in changes {
        match change {
            Change::Added { id } | Change::Removed { id } => ids.extend([id.clone()]),
            Change::Moved { from, to } => ids.extend([from.clone(), to.clone()]),
            Change::Split { from: one, into: several }
            | Change::Merged { from: several, into: one } => {
                ids.extend([one.clone()].into_iter().chain(several.iter().cloned()));
            }
            Change::Renamed { .. } | Change::Redefined { .. } => {}
        }
    }
    ids
}

fn history(months: &Months, restatement: &Restatement, touched: &BTreeSet<ReasonId>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (month, [was, is]) in months {
        // By reason: as it was, restated, not restated, tagged anew.
        let mut sides: BTreeMap<&ReasonId, [u64; 4]> = BTreeMap::new();
        let restated = restatement.restate(was).rows;
        for row in &restated {
            sides.insert(&row.reason, [row.as_it_was, row.restated, row.not_restated, 0]);
        }
        for (reason, amount) in is {
            sides.entry(reason).or_default()[3] = *amount;
        }
        let shown = sides.into_iter().filter(|(reason, _)| touched.contains(*reason));
        rows.extend(shown.map(|(reason, amounts)| history_row(month, reason, amounts)));
    }
    rows
}

fn history_row(month: &str, reason: &ReasonId, amounts: [u64; 4]) -> Row {
    let amounts = amounts.map(contacts);
    let mut cells = vec![month.to_owned(), reason.0.clone()];
    cells.extend(amounts.iter().map(|amount| format!("{amount:.1}")));
    let [as_it_was, restated, not_restated, tagged_anew] = amounts;
    let value: Value = json!({
        "month": month,
        "reason": reason,
        "as_it_was": as_it_was,
        "restated": restated,
        "not_restated": not_restated,
        "tagged_anew": tagged_anew,
    });
    Row { cells, value }
}
