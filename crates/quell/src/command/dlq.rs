//! `quell dlq`: what could not be read, and giving it again once its cause is mended.

mod place;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::ops::ControlFlow;

use anyhow::bail;
use quell_codec::DeadLetter;

use crate::Outcome;
use crate::args::{Dlq, DlqChoice, DlqCommand, DlqSource};
use crate::output::{Row, number, print_rows, text};
use place::{LetterId, Place};

/// Letters given again at once.
const BATCH: usize = 100;
/// Bytes given again at once.
const BATCH_BYTES: usize = 8 << 20;
/// Longest detail in a table.
const DETAIL_CHARS: usize = 80;
/// Ids that are named when there are none like them.
const NAMED: usize = 20;

pub fn run(args: &Dlq) -> anyhow::Result<Outcome> {
    match &args.command {
        DlqCommand::List { choice, limit, source, output } => {
            let mut last = VecDeque::new();
            let mut unknown = choice.wanted();
            let mut found = 0_u64;
            Place::of(source)?.letters(&source.kafka, &mut |id, letter| {
                if choice.takes(&id, &letter) {
                    found += 1;
                    unknown.remove(id.to_string().as_str());
                    last.push_back(row(&id, &letter));
                    if last.len() > *limit {
                        last.pop_front();
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            print(output.format(), last.make_contiguous())?;
            if found > last.len() as u64 {
                eprintln!("the last {} of {found}; --limit shows more", last.len());
            }
            Ok(name_unknown(&unknown))
        }
        DlqCommand::Show { id, raw, source } => show(source, id, *raw),
        DlqCommand::Replay { choice, all, source } => {
            if choice.is_everything() && !all {
                bail!("name what to give again: an ID, --cause or --input, or --all");
            }
            replay(source, choice)
        }
    }
}

impl DlqChoice {
    fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.cause.is_none() && self.input.is_none()
    }

    fn takes(&self, id: &LetterId, letter: &DeadLetter) -> bool {
        (self.ids.is_empty() || {
            let id = id.to_string();
            self.ids.contains(&id)
        }) && self.cause.as_ref().is_none_or(|cause| cause == letter.cause.as_str())
            && self.input.as_ref().is_none_or(|input| *input == letter.input)
    }

    /// The ids that were named, until they are found.
    fn wanted(&self) -> BTreeSet<&str> {
        self.ids.iter().map(String::as_str).collect()
    }
}

/// Names the ids that were asked for and not found: there is something to look at then.
fn name_unknown(unknown: &BTreeSet<&str>) -> Outcome {
    if unknown.is_empty() {
        return Outcome::Done;
    }
    let named: Vec<&str> = unknown.iter().take(NAMED).copied().collect();
    let more = if unknown.len() > NAMED { ", …" } else { "" };
    eprintln!(
        "no dead letter of this choice: {}{more}; `quell dlq list` shows those there are",
        named.join(", ")
    );
    Outcome::Findings
}

/// What a list shows of a letter: not its bytes, which may be many.
fn row(id: &LetterId, letter: &DeadLetter) -> Row {
    let bytes = letter.value_bytes().map_or(0, |value| value.len());
    let from = format!("{}[{}]@{}", letter.input, letter.partition, letter.offset);
    Row {
        cells: vec![
            id.to_string(),
            letter.log_time.to_string(),
            from,
            letter.cause.as_str().to_owned(),
            letter.detail.chars().take(DETAIL_CHARS).collect(),
            bytes.to_string(),
        ],
        value: serde_json::json!({
            "id": id.to_string(),
            "log_time": letter.log_time,
            "input": letter.input,
            "partition": letter.partition,
            "offset": letter.offset,
            "stage": letter.stage,
            "cause": letter.cause,
            "detail": letter.detail,
            "bytes": bytes,
        }),
    }
}

fn print(format: crate::args::Format, rows: &[Row]) -> anyhow::Result<()> {
    let columns = [
        text("id"),
        text("put aside"),
        text("from"),
        text("cause"),
        text("detail"),
        number("bytes"),
    ];
    let whole: Vec<&serde_json::Value> = rows.iter().map(|row| &row.value).collect();
    print_rows(format, &columns, rows, &whole)
}

fn show(source: &DlqSource, wanted: &str, raw: bool) -> anyhow::Result<Outcome> {
    let mut found = None;
    Place::of(source)?.letters(&source.kafka, &mut |id, letter| {
        Ok(if id.to_string() == wanted {
            found = Some(letter);
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    let Some(letter) = found else {
        bail!("there is no dead letter {wanted}; `quell dlq list` shows those there are");
    };
    let mut out = std::io::stdout().lock();
    if raw {
        if !letter.is_whole() {
            bail!(
                "its bytes had no room in the dead letter; they stand at {}[{}]@{}",
                letter.input,
                letter.partition,
                letter.offset
            );
        }
        out.write_all(&letter.value_bytes().unwrap_or_default())?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(&letter)?)?;
    }
    Ok(Outcome::Done)
}

/// What there is to give again, found before the first is given: those that are put aside again
/// are not given twice, and an id that is not there is named before anything is written.
#[derive(Default)]
struct Survey {
    /// The last number of each series.
    last: BTreeMap<String, u64>,
    chosen: u64,
    without_bytes: u64,
}

fn replay(source: &DlqSource, choice: &DlqChoice) -> anyhow::Result<Outcome> {
    let place = Place::of(source)?;
    let mut giver = place.giver(&source.kafka)?;
    let mut survey = Survey::default();
    let mut unknown = choice.wanted();
    place.letters(&source.kafka, &mut |id, letter| {
        if choice.takes(&id, &letter) {
            unknown.remove(id.to_string().as_str());
            survey.chosen += 1;
            survey.without_bytes += u64::from(!letter.is_whole());
        }
        survey.last.insert(id.series, id.number);
        Ok(ControlFlow::Continue(()))
    })?;
    let outcome = name_unknown(&unknown);
    if survey.chosen == survey.without_bytes {
        bail!("no dead letter of this choice can be given again; nothing was");
    }
    let (mut batch, mut bytes, mut rejected) = (Vec::new(), 0, 0);
    place.letters(&source.kafka, &mut |id, letter| {
        let is_old = survey.last.get(&id.series).is_some_and(|last| id.number <= *last);
        if is_old && letter.is_whole() && choice.takes(&id, &letter) {
            bytes += letter.value.as_ref().or(letter.value_base64.as_ref()).map_or(0, String::len);
            batch.push(letter);
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES {
            rejected += giver.give(&std::mem::take(&mut batch))?;
            bytes = 0;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    rejected += giver.give(&batch)?;
    let given = survey.chosen - survey.without_bytes;
    if survey.without_bytes > 0 {
        eprintln!("{} had no room for their bytes and were not given", survey.without_bytes);
    }
    eprintln!("{given} records given again{}", giver.told(rejected));
    Ok(if rejected == 0 && survey.without_bytes == 0 { outcome } else { Outcome::Findings })
}
