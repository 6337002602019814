//! Where dead letters are, and who takes their records again.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use quell_codec::DeadLetter;
use quell_store::{EmbeddedStore, StoreSettings};
use serde::Deserialize;

use crate::args::{DlqSource, KafkaArgs};
use crate::config::Config;
use crate::remote::{Remote, Source};

/// Letters read from a running Quell or a folder at once.
const PAGE: usize = 1_000;

/// What a dead letter is called: its place in a topic, or its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterId {
    /// The topic's partition; empty where there are no topics.
    pub series: String,
    /// Its number there, higher than those of all before it.
    pub number: u64,
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.series.is_empty() {
            write!(f, "{}@", self.series)?;
        }
        write!(f, "{}", self.number)
    }
}

/// Takes a dead letter; breaks to end the reading.
pub type Take<'t> = dyn FnMut(LetterId, DeadLetter) -> anyhow::Result<ControlFlow<()>> + 't;

/// Where dead letters are.
pub enum Place {
    /// In the topics of a cluster.
    Cluster(Config),
    /// In a Quell that runs.
    Running(Remote),
    /// In a folder.
    Folder(PathBuf),
}

impl Place {
    /// Where the arguments say.
    ///
    /// # Errors
    /// They name nothing that there is.
    pub fn of(source: &DlqSource) -> anyhow::Result<Place> {
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
    ///
    /// # Errors
    /// They cannot be read, or the taker's own.
    pub fn letters(&self, kafka: &KafkaArgs, take: &mut Take<'_>) -> anyhow::Result<()> {
        match self {
            Place::Cluster(config) => cluster::letters(config, kafka, take),
            Place::Running(remote) => from_remote(remote, take),
            Place::Folder(dir) => from_folder(dir, take),
        }
    }

    /// Who takes their records again.
    ///
    /// # Errors
    /// Nobody does.
    pub fn giver(&self, kafka: &KafkaArgs) -> anyhow::Result<Giver<'_>> {
        match self {
            Place::Cluster(config) => Ok(Giver::Topics(cluster::Writer::open(config, kafka)?)),
            Place::Running(remote) => Ok(Giver::Remote(remote)),
            Place::Folder(_) => {
                bail!("no Quell runs on this folder to take the records; start `quell run`")
            }
        }
    }
}

/// Gives records again.
pub enum Giver<'p> {
    /// Writes them to their topics.
    Topics(cluster::Writer),
    /// Sends them over HTTP.
    Remote(&'p Remote),
}

impl Giver<'_> {
    /// Gives the records of these letters, and returns how many were put aside again.
    ///
    /// # Errors
    /// They are not taken; some may have been.
    pub fn give(&mut self, letters: &[DeadLetter]) -> anyhow::Result<u64> {
        let remote = match self {
            Giver::Topics(writer) => return writer.write(letters).map(|()| 0),
            Giver::Remote(remote) => remote,
        };
        let mut rejected = 0;
        for letter in letters {
            rejected += u64::from(!remote.post_event(letter)?);
        }
        Ok(rejected)
    }

    /// What became of them.
    pub fn told(&self, rejected: u64) -> String {
        match self {
            Giver::Topics(_) => ", to the topics they came from".to_owned(),
            Giver::Remote(_) => format!(", {rejected} of them put aside again"),
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
        for (number, row) in page {
            let letter = serde_json::from_slice(&row.value)
                .with_context(|| format!("the dead letter {number} is damaged"))?;
            if take(LetterId { series: String::new(), number }, letter)?.is_break() {
                return Ok(());
            }
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
            let id = LetterId { series: String::new(), number: shown.seq };
            if take(id, letter)?.is_break() {
                return Ok(());
            }
        }
        from = page.next;
    }
    Ok(())
}

#[cfg(feature = "kafka")]
mod cluster {
    use std::time::{Duration, Instant};

    use quell_codec::RawRecord;
    use quell_kafka::topics::layouts;
    use quell_kafka::{KafkaReplica, KafkaWriter};
    use quell_ports::stage::{Partition, ReplicaLog, StageRecord};

    use super::{Config, DeadLetter, KafkaArgs, LetterId, Take};
    use crate::cluster::{TURN_LIMIT, names, settings};

    const PATIENCE: Duration = Duration::from_millis(500);
    const SILENCE: Duration = Duration::from_secs(60);

    /// Reads all topics of dead letters to their ends.
    pub fn letters(config: &Config, args: &KafkaArgs, take: &mut Take<'_>) -> anyhow::Result<()> {
        let kafka = settings(config, args)?;
        let names = names(config);
        let inputs = config.words("kafka.inputs");
        // Asked first, so that a cluster that cannot be reached ends the command as such.
        let layouts = layouts(&kafka)?;
        let topics = inputs.iter().map(|input| names.dead_letters(input));
        let topics = topics.chain([names.refused()]);
        let mut log = KafkaReplica::open(&kafka, &names.named("dlq"), topics, &layouts)?;
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
                let Some(letter) = DeadLetter::of_topic(&raw) else {
                    foreign += 1;
                    continue;
                };
                let series = Partition::of(&record.position).to_string();
                let id = LetterId { series, number: record.position.offset };
                if take(id, letter)?.is_break() {
                    return Ok(());
                }
            }
        }
        if foreign > 0 {
            eprintln!("{foreign} records of other programs are left out");
        }
        Ok(())
    }

    /// Writes records to the topics they came from, as they were.
    pub struct Writer(KafkaWriter);

    impl Writer {
        pub fn open(config: &Config, args: &KafkaArgs) -> anyhow::Result<Writer> {
            Ok(Writer(KafkaWriter::open(&settings(config, args)?)?))
        }

        pub fn write(&self, letters: &[DeadLetter]) -> anyhow::Result<()> {
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
            Ok(self.0.write(&records)?)
        }
    }
}

#[cfg(not(feature = "kafka"))]
mod cluster {
    use super::{Config, DeadLetter, KafkaArgs, Take};

    pub fn letters(_: &Config, _: &KafkaArgs, _: &mut Take<'_>) -> anyhow::Result<()> {
        anyhow::bail!(crate::NO_KAFKA)
    }

    pub enum Writer {}

    impl Writer {
        pub fn open(_: &Config, _: &KafkaArgs) -> anyhow::Result<Writer> {
            anyhow::bail!(crate::NO_KAFKA)
        }

        pub fn write(&self, _: &[DeadLetter]) -> anyhow::Result<()> {
            match *self {}
        }
    }
}
