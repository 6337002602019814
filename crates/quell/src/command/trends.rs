//! `quell trends`

use anyhow::Context;

use quell_store::{EmbeddedStore, StoreSettings};
use quell_worker::trends::{TrendAnswer, TrendLine, TrendRequest, trends};

use crate::Outcome;
use crate::args::{Format, Trends};
use crate::output::{Column, Row, money, number, print_rows, text, thousands};
use crate::remote::Source;
use crate::wiring::time;

pub fn run(args: &Trends) -> anyhow::Result<Outcome> {
    let answer = match args.place.source()? {
        Source::Running(remote) => remote.get("/v1/trends", &parameters(args))?,
        Source::Folder(dir) => {
            let store = EmbeddedStore::open(&dir.join("store"), StoreSettings::default())
                .with_context(|| format!("cannot ask {}", dir.display()))?;
            trends(&store, &request(args)?)?
        }
    };
    print(args.output.format(), &answer)?;
    Ok(Outcome::Done)
}

fn request(args: &Trends) -> anyhow::Result<TrendRequest> {
    Ok(TrendRequest {
        reason: args.reason.clone(),
        by: args.by.clone(),
        from: args.from.as_deref().map(|from| time("--from", from)).transpose()?,
        to: args.to.as_deref().map(|to| time("--to", to)).transpose()?,
        compare_previous: args.compare.is_some(),
        limit: args.limit,
    })
}

fn parameters(args: &Trends) -> Vec<(String, String)> {
    let mut parameters = vec![("limit".to_owned(), args.limit.to_string())];
    let given = [
        ("reason", &args.reason),
        ("by", &args.by),
        ("from", &args.from),
        ("to", &args.to),
        ("compare", &args.compare),
    ];
    parameters.extend(
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))),
    );
    parameters
}

/// Prints an answer; the demo uses it too.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(format: Format, answer: &TrendAnswer) -> anyhow::Result<()> {
    let compared = answer.previous_from.is_some();
    let rows: anyhow::Result<Vec<Row>> = answer.lines.iter().map(|l| row(l, compared)).collect();
    print_rows(format, &columns(compared), &rows?, answer)?;
    if format == Format::Table {
        eprintln!(
            "{} of {} lines, ranked by contacts, then cost; {} of {} contacts provisional",
            answer.lines.len(),
            answer.total_lines,
            answer.provisional.numerator,
            answer.provisional.denominator,
        );
    }
    Ok(())
}

fn columns(compared: bool) -> Vec<Column> {
    let mut columns = vec![
        text("reason"),
        text("value"),
        number("contacts"),
        number("customer_days"),
        number("repeats_same_reason"),
        number("cost"),
    ];
    if compared {
        columns.extend([number("previous"), number("change"), number("change_percent")]);
    }
    columns
}

fn row(line: &TrendLine, compared: bool) -> anyhow::Result<Row> {
    let mut cells = vec![
        line.reason.clone(),
        line.value.clone(),
        thousands(line.sums.contacts.as_f64()),
        thousands(line.sums.customer_days as f64),
        thousands(line.sums.repeats_same_reason.as_f64()),
        money(line.sums.cost_micros),
    ];
    if compared {
        cells.push(line.previous.map_or(String::new(), |sums| thousands(sums.contacts.as_f64())));
        cells.push(line.change.map_or(String::new(), |change| thousands(change.as_f64())));
        let percent = line.change_ratio.map(|ratio| format!("{:+.1}", ratio * 100.0));
        cells.push(percent.unwrap_or_else(|| "–".to_owned()));
    }
    Ok(Row { cells, value: serde_json::to_value(line)? })
}
