//! `quell audit sample|report|agreement`

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use quell_model::time::DAY_MS;
use quell_model::{Contact, DecidedBy, ReasonId, Standing, TimeMs};
use quell_taxonomy::audit::{
    Agreement, Agreements, Audited, Prevalence, Sampler, Witness, prevalence,
};
use serde::Deserialize;
use serde_json::json;

use crate::Outcome;
use crate::args::{self, AuditCommand, Format};
use crate::output::{Column, Row, number, print_rows, text, thousands};
use crate::rows::each_row;

const CONTACT: &str = "a contact, as in contacts.ndjson of `quell replay`";
const JUDGED: &str = "of `quell audit sample`, with the member `truth` filled in";

pub fn run(args: &args::Audit) -> anyhow::Result<Outcome> {
    match &args.command {
        AuditCommand::Sample { size, seed, inputs } => sample(*size, *seed, inputs),
        AuditCommand::Report { audited, output, inputs } => {
            report(output.format(), audited, inputs)
        }
        AuditCommand::Agreement { output, inputs } => agreement(output.format(), inputs),
    }
}

fn sample(size: usize, seed: u64, inputs: &[PathBuf]) -> anyhow::Result<Outcome> {
    ensure!(
        !inputs.iter().any(|input| input == Path::new("-")),
        "the contacts are read twice: name files, not standard input"
    );
    let mut sampler = Sampler::new(size, seed);
    each_counted(inputs, |contact| {
        sampler.add(&week_of(contact.occurred_at), given(contact).as_str(), key(contact));
        Ok(())
    })?;
    let drawn: BTreeSet<String> = sampler.drawn().into_values().flatten().collect();
    let mut out = std::io::stdout().lock();
    each_counted(inputs, |contact| {
        if drawn.contains(key(contact)) {
            let row = json!({
                "week": week_of(contact.occurred_at),
                "contact_key": contact.contact_key,
                "occurred_at": contact.occurred_at,
                "language": contact.language,
                "subject": contact.subject,
                "body": contact.body,
                "turns": contact.turns,
                "given": given(contact),
                "decided_by": contact.reasons.first().map(|tag| tag.decided_by),
                "opinions": contact.opinions,
                "truth": null,
            });
            writeln!(out, "{row}")?;
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

/// A row that somebody looked at.
#[derive(Deserialize)]
struct Judged {
    contact_key: String,
    truth: Option<ReasonId>,
}

fn report(format: Format, audited: &[PathBuf], inputs: &[PathBuf]) -> anyhow::Result<Outcome> {
    let (mut truths, mut open) = (BTreeMap::new(), 0_u64);
    each_row(audited, JUDGED, |_, row: Judged| {
        match row.truth {
            Some(truth) => drop(truths.insert(row.contact_key, truth.level2())),
            None => open += 1,
        }
        Ok(())
    })?;
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut pairs: Vec<(ReasonId, ReasonId)> = Vec::new();
    each_counted(inputs, |contact| {
        let given = given(contact);
        *counted.entry(given.0.clone()).or_default() += 1;
        pairs.extend(truths.remove(key(contact)).map(|truth| (given, truth)));
        Ok(())
    })?;
    let looked_at: Vec<Audited<'_>> = pairs
        .iter()
        .map(|(given, truth)| Audited { given: given.as_str(), truth: truth.as_str() })
        .collect();
    let found = prevalence(&counted, &looked_at);
    let rows: Vec<Row> = found.iter().map(row).collect();
    let columns = [
        text("reason"),
        number("counted"),
        number("corrected"),
        number("low"),
        number("high"),
        number("audited"),
        number("right"),
    ];
    print_rows(format, &columns, &rows, &found)?;
    eprintln!(
        "{} contacts, {} looked at, {open} not yet, {} not among the contacts; low to high holds \
         the truth with 95 %",
        counted.values().sum::<u64>(),
        looked_at.len(),
        truths.len(),
    );
    Ok(Outcome::Done)
}

fn row(one: &Prevalence) -> Row {
    let cells = vec![
        one.reason.clone(),
        thousands(one.counted as f64),
        thousands(one.corrected),
        thousands(one.low),
        thousands(one.high),
        thousands(one.audited as f64),
        thousands(one.right as f64),
    ];
    Row { cells, value: json!(one) }
}

fn agreement(format: Format, inputs: &[PathBuf]) -> anyhow::Result<Outcome> {
    let mut agreements = Agreements::default();
    each_counted(inputs, |contact| {
        agreements.add(&witnesses(contact));
        Ok(())
    })?;
    let found = agreements.all();
    let rows: Vec<Row> = found.iter().flat_map(confusions).collect();
    const COLUMNS: [Column; 7] = [
        text("sources"),
        number("contacts"),
        number("agreed"),
        number("kappa"),
        text("one_says"),
        text("other_says"),
        number("times"),
    ];
    print_rows(format, &COLUMNS, &rows, &found)?;
    Ok(Outcome::Done)
}

/// A line for the pair, then one for each confusion.
fn confusions(pair: &Agreement) -> Vec<Row> {
    let name = |by: DecidedBy| json!(by).as_str().unwrap_or("").to_owned();
    let sources = format!("{} / {}", name(pair.first), name(pair.second));
    let kappa = pair.kappa.map_or_else(|| "–".to_owned(), |kappa| format!("{kappa:.3}"));
    let mut value = json!(pair);
    if let Some(pair) = value.as_object_mut() {
        pair.remove("confusions");
    }
    let counts = [thousands(pair.contacts as f64), thousands(pair.agreed as f64), kappa];
    let mut cells = vec![sources.clone()];
    cells.extend(counts);
    cells.extend([String::new(), String::new(), String::new()]);
    let mut rows = vec![Row { cells, value }];
    rows.extend(pair.confusions.iter().map(|confusion| {
        let mut cells = vec![sources.clone(), String::new(), String::new(), String::new()];
        cells.extend([confusion.first.0.clone(), confusion.second.0.clone()]);
        cells.push(thousands(confusion.contacts as f64));
        let value = json!({
            "first": pair.first, "second": pair.second, "first_says": confusion.first,
            "second_says": confusion.second, "contacts": confusion.contacts,
        });
        Row { cells, value }
    }));
    rows
}

/// What each source that was sure of itself would have given first.
fn witnesses(contact: &Contact) -> Vec<Witness> {
    let mut said: Vec<Witness> = Vec::new();
    let decided = contact.reasons.iter().map(|tag| (tag.decided_by, &tag.reason));
    let others = contact.opinions.iter().filter(|one| one.is_sure).map(|one| (one.by, &one.reason));
    for (by, reason) in decided.chain(others) {
        if by != DecidedBy::None && said.iter().all(|known| known.by != by) {
            said.push(Witness { by, reason: reason.level2() });
        }
    }
    said
}

/// Gives every contact that counts.
fn each_counted(
    inputs: &[PathBuf],
    mut take: impl FnMut(&Contact) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    each_row(inputs, CONTACT, |_, contact: Contact| {
        if contact.standing == Standing::Counted { take(&contact) } else { Ok(()) }
    })
}

fn key(contact: &Contact) -> &str {
    contact.contact_key.as_str()
}

/// The weightiest reason's level 2.
fn given(contact: &Contact) -> ReasonId {
    contact.reasons.first().map_or_else(|| ReasonId(String::new()), |tag| tag.reason.level2())
}

/// The Monday that a week begins with, UTC.
fn week_of(at: TimeMs) -> String {
    const DAYS: i64 = 7;
    /// The epoch was a Thursday.
    const SINCE_MONDAY: i64 = 3;
    let day = at.day();
    let back = (day.0.div_euclid(DAY_MS) + SINCE_MONDAY).rem_euclid(DAYS);
    day.plus_ms(-back * DAY_MS).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let week = |at: &str| week_of(at.parse().unwrap());
        for (at, monday) in [
            ("1970-01-01T00:00:00Z", "1969-12-29"),
            ("2026-01-04T23:59:59Z", "2025-12-29"),
            ("2026-01-05T00:00:00Z", "2026-01-05"),
        ] {
            assert_eq!(week(at), monday, "{at}");
        }
    }
}
