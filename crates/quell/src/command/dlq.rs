//! `quell dlq`: what could not be read, and giving it again once its cause is mended.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use quell_codec::DeadLetter;
use quell_store::{EmbeddedStore, StoreSettings};
use serde::Deserialize;

use crate::Outcome;
use crate::args::{Dlq, DlqChoice, DlqCommand, DlqSource, KafkaArgs};
use crate::config::Config;
use crate::output::{Row, number, print_rows, text};
use crate::remote::{Remote, Source};

/// Letters read from a running Quell or a folder at once.
const PAGE: usize = 1_000;
/// Longest detail in a table.
const DETAIL_CHARS: usize = 80;

pub fn run(args: &Dlq) -> anyhow::Result<Outcome> {
    match &args.command {
        DlqCommand::List { choice, limit, source, output } => {
            let mut last = VecDeque::new();
            let mut found = 0_u64;
            Place::of(source)?.letters(&source.kafka, &mut |id, letter| {
                if choice.takes(&id, &letter) {
                    found += 1;
                    last.push_back((id, letter));
                    if last.len() > *limit {
                        last.pop_front();
                    }
                }
            })?;
            print(output.format(), &last)?;
            if found > last.len() as u64 {
                eprintln!("the last {} of {found}; --limit shows more", last.len());
            }
            Ok(Outcome::Done)
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

    fn takes(&self, id: &str, letter: &DeadLetter) -> bool {
        (self.ids.is_empty() || self.ids.iter().any(|known| known == id))
            && self.cause.as_ref().is_none_or(|cause| cause == letter.cause.as_str())
            && self.input.as_ref().is_none_or(|input| *input == letter.input)
    }
}

/// Takes a dead letter with what it is called: its place in the topic, or its number.
type Take<'t> = dyn FnMut(String, DeadLetter) + 't;

/// Where dead letters are.
enum Place {
    Cluster(Config),
    Running(Remote),
    Folder(PathBuf),
}

impl Place {
    fn of(source: &DlqSource) -> anyhow::Result<Place> {
        let config = Config::load_with(&source.core, &source.kafka)?;
        if !config.get("kafka.brokers").is_empty() {
            return Ok(Place::Cluster(config));
        }
        Ok(match source.place.source()? {
            Source::Running(remote) => Place::Running(remote),
            Source::Folder(dir) => Place::Folder(dir),
        })
    }

    /// Gives every dead letter there is, oldest first.
    fn letters(&self, kafka: &KafkaArgs, take: &mut Take<'_>) -> anyhow::Result<()> {
        match self {
            Place::Cluster(config) => cluster::letters(config, kafka, take),
            Place::Running(remote) => from_remote(remote, take),
            Place::Folder(dir) => from_folder(dir, take),
        }
    }
}

fn from_folder(dir: &Path, take: &mut Take<'_>) -> anyhow::Result<()> {
    let store = EmbeddedStore::open(&dir.join("store"), StoreSettings::default())?;
    let mut next = 0;
    loop {
        let page = store.dead_letters(next, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        next = last + 1;
        for (seq, row) in page {
            let letter = serde_json::from_slice(&row.value)
                .with_context(|| format!("the dead letter {seq} is damaged"))?;
            take(seq.to_string(), letter);
        }
    }
}

fn from_remote(remote: &Remote, take: &mut Take<'_>) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Page {
        dead_letters: Vec<Shown>,
        next: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Shown {
        seq: u64,
        letter: Option<DeadLetter>,
    }
    let mut from = Some(0);
    while let Some(next) = from {
        let parameters =
            [("from".to_owned(), next.to_string()), ("limit".to_owned(), PAGE.to_string())];
        let page: Page = remote.get("/v1/dead-letters", &parameters)?;
        for shown in page.dead_letters {
            let letter = shown
                .letter
                .with_context(|| format!("the dead letter {} is damaged", shown.seq))?;
            take(shown.seq.to_string(), letter);
        }
        from = page.next;
    }
    Ok(())
}

fn print(
    format: crate::args::Format,
    letters: &VecDeque<(String, DeadLetter)>,
) -> anyhow::Result<()> {
    let columns = [
        text("id"),
        text("put aside"),
        text("from"),
        text("cause"),
        text("detail"),
        number("bytes"),
    ];
    let rows: Vec<Row> = letters
        .iter()
        .map(|(id, letter)| {
            let bytes = letter.value_bytes().map_or(0, |value| value.len());
            let from = format!("{}[{}]@{}", letter.input, letter.partition, letter.offset);
            Row {
                cells: vec![
                    id.clone(),
                    letter.log_time.to_string(),
                    from,
                    letter.cause.as_str().to_owned(),
                    letter.detail.chars().take(DETAIL_CHARS).collect(),
                    bytes.to_string(),
                ],
                value: serde_json::json!({
                    "id": id,
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
        })
        .collect();
    let whole: Vec<&serde_json::Value> = rows.iter().map(|row| &row.value).collect();
    print_rows(format, &columns, &rows, &whole)
}

fn show(source: &DlqSource, wanted: &str, raw: bool) -> anyhow::Result<Outcome> {
    let mut found = None;
    Place::of(source)?.letters(&source.kafka, &mut |id, letter| {
        if id == wanted {
            found = Some(letter);
        }
    })?;
    let letter = found.with_context(|| {
        format!("there is no dead letter {wanted}; `quell dlq list` shows those there are")
    })?;
    let mut out = std::io::stdout().lock();
    if raw {
        out.write_all(&letter.value_bytes().unwrap_or_default())?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(&letter)?)?;
    }
    Ok(Outcome::Done)
}

fn replay(source: &DlqSource, choice: &DlqChoice) -> anyhow::Result<Outcome> {
    let place = Place::of(source)?;
    let mut chosen = Vec::new();
    place.letters(&source.kafka, &mut |id, letter| {
        if choice.takes(&id, &letter) {
            chosen.push(letter);
        }
    })?;
    if chosen.is_empty() {
        bail!("no dead letter is of this choice; `quell dlq list` shows those there are");
    }
    let remote = match &place {
        Place::Cluster(config) => {
            cluster::give_again(config, &source.kafka, &chosen)?;
            eprintln!("{} records written to their topics again", chosen.len());
            return Ok(Outcome::Done);
        }
        Place::Running(remote) => remote,
        Place::Folder(_) => {
            bail!("no Quell runs on this folder to take the records; start `quell run`")
        }
    };
    let mut rejected = 0;
    for letter in &chosen {
        rejected += u64::from(!remote.post_event(letter)?);
    }
    eprintln!("{} records given again, {rejected} of them put aside again", chosen.len());
    Ok(if rejected == 0 { Outcome::Done } else { Outcome::Findings })
}

#[cfg(feature = "kafka")]
mod cluster {
    use std::time::Instant;

    use quell_codec::RawRecord;
    use quell_kafka::topics::partition_counts;
    use quell_kafka::{KafkaReplica, KafkaWriter};
    use quell_ports::stage::{ReplicaLog, StageRecord};

    use super::{Config, DeadLetter, Duration, KafkaArgs, Take};
    use crate::cluster::{TURN_LIMIT, names, settings};

    const PATIENCE: Duration = Duration::from_millis(500);
    const SILENCE: Duration = Duration::from_secs(60);

    /// Reads the dead letter topics of all inputs to their ends.
    pub fn letters(config: &Config, args: &KafkaArgs, take: &mut Take<'_>) -> anyhow::Result<()> {
        let kafka = settings(config, args)?;
        let names = names(config);
        let inputs = config.words("kafka.inputs");
        // Asked first, so that a cluster that cannot be reached ends the command as such.
        partition_counts(&kafka)?;
        let topics = inputs.iter().map(|input| names.dead_letters(input));
        let mut log = KafkaReplica::open(&kafka, &names.named("dlq"), topics)?;
        log.resume(&[])?;
        let mut foreign = 0_u64;
        let mut heard = Instant::now();
        while log.lag().never_level > 0 {
            if heard.elapsed() > SILENCE {
                anyhow::bail!("the dead letter topics give nothing; is a broker missing?");
            }
            for record in log.poll(TURN_LIMIT, PATIENCE)? {
                heard = Instant::now();
                let raw = RawRecord {
                    value: record.value.as_deref(),
                    headers: &record.headers,
                    key: record.key.as_deref(),
                    log_time: record.log_time,
                };
                match DeadLetter::of_topic(&raw) {
                    Some(letter) => take(record.position.to_string(), letter),
                    None => foreign += 1,
                }
            }
        }
        if foreign > 0 {
            eprintln!("{foreign} records of other programs are left out");
        }
        Ok(())
    }

    /// Writes the records to the topics they came from, as they were.
    pub fn give_again(
        config: &Config,
        args: &KafkaArgs,
        letters: &[DeadLetter],
    ) -> anyhow::Result<()> {
        let kafka = settings(config, args)?;
        let records: Vec<StageRecord> = letters
            .iter()
            .map(|letter| StageRecord {
                topic: letter.input.clone(),
                partition: None,
                key: letter.key_bytes(),
                headers: letter.header_bytes(),
                value: letter.value_bytes(),
            })
            .collect();
        Ok(KafkaWriter::open(&kafka)?.write(&records)?)
    }
}

#[cfg(not(feature = "kafka"))]
mod cluster {
    use super::{Config, DeadLetter, KafkaArgs, Take};

    pub fn letters(_: &Config, _: &KafkaArgs, _: &mut Take<'_>) -> anyhow::Result<()> {
        anyhow::bail!(crate::NO_KAFKA)
    }

    pub fn give_again(_: &Config, _: &KafkaArgs, _: &[DeadLetter]) -> anyhow::Result<()> {
        anyhow::bail!(crate::NO_KAFKA)
    }
}
