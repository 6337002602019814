//! The pipeline on a real cluster beside a loop that only reads, writes and commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use quell_kafka::topics::{Cleanup, Finding, Partitions, Planned, TopicSpec, apply, layouts};
use quell_kafka::{KafkaReplica, KafkaSettings, KafkaWriter};
use quell_model::ContactKey;
use quell_model::topic::TopicNames;
use quell_ports::stage::{ReplicaLog, StageRecord};
use quell_worker::metrics::Metrics;
use quell_worker::stage::Crew;

use super::{bare, line, lines, quantile};
use crate::args::{CoreArgs, KafkaArgs};
use crate::clock::SystemClock;
use crate::cluster::{self, TURN_LIMIT, Worker};
use crate::config::{Config, Origin};
use crate::wiring;

/// Records given to the producer at once.
const CHUNK: usize = 1_000;
/// Nothing for this long: something is wrong.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
/// Portions of a second in which records are given at a steady rate.
const STEPS_A_SECOND: u64 = 50;
/// Loops between a ticket and its contact: INTAKE, TAG, LINK.
pub(super) const CHAIN: usize = 3;
/// Partitions and workers to compare.
const SIZES: [(u32, usize); 4] = [(1, 1), (4, 1), (12, 1), (12, 2)];

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Tickets of a run that goes as fast as it can.
    pub contacts: u64,
    /// Tickets a second of the run that measures latency.
    pub rate: u64,
    /// How long that one goes on.
    pub seconds: u64,
}

pub fn run(load: Load, core: &CoreArgs, args: &KafkaArgs) -> anyhow::Result<()> {
    let config = Config::load_with(core, args)?;
    let kafka = cluster::settings(&config, args)?;
    let tickets = Tickets::made(load.contacts)?;
    let bytes: usize = tickets.lines.iter().map(|(_, line)| line.len()).sum();
    println!(
        "{} events, {} bytes each; records gathered for {}\n",
        tickets.lines.len(),
        bytes / tickets.lines.len().max(1),
        config.get("kafka.commit_every")
    );

    let deployment = Deployment::made(&config, &kafka, "bare", 12)?;
    deployment.give(&tickets)?;
    let once = bare::run(&deployment, 1)?;
    let bare = line("limit: read, write, commit, one thread", load.contacts, once);
    let chain = bare::run(&deployment, CHAIN)?;
    let what = format!("limit: {CHAIN} such loops, one behind the other");
    let chain = line(&what, load.contacts, chain);
    let mut whole = 0.0;
    for (partitions, workers) in SIZES {
        let name = format!("p{partitions}w{workers}");
        let deployment = Deployment::made(&config, &kafka, &name, partitions)?;
        deployment.give(&tickets)?;
        let begun = Instant::now();
        let crews = deployment.start(workers)?;
        deployment.reader()?.await_all(&tickets.keys())?;
        let what = format!("pipeline, {partitions} partitions, {workers} workers");
        let rate = line(&what, load.contacts, begun.elapsed());
        if (partitions, workers) == (12, 1) {
            whole = rate;
        }
        crews.iter().try_for_each(|crew| crew.stop().map_err(anyhow::Error::msg))?;
    }
    println!(
        "\n12 partitions and one worker: {:.0} % of the loop, {:.0} % of the chain",
        whole / bare * 100.0,
        whole / chain * 100.0
    );
    latency(load, &config, &kafka)
}

/// A steady rate, then a pause, then what came meanwhile.
fn latency(load: Load, config: &Config, kafka: &KafkaSettings) -> anyhow::Result<()> {
    let deployment = Deployment::made(config, kafka, "steady", 12)?;
    let crews = deployment.start(1)?;
    let count = load.rate * load.seconds;
    let tickets = Tickets::made(count + load.contacts)?;
    let (steady, later) = tickets.split(count as usize);
    let mut reader = deployment.reader()?;
    let written = std::thread::scope(|scope| {
        let giving = scope.spawn(|| deployment.give_steadily(&steady, load.rate));
        reader.await_all(&steady.keys())?;
        giving.join().map_err(|_| anyhow::anyhow!("the producer panicked"))?
    })?;
    let mut times: Vec<f64> = reader
        .seen
        .iter()
        .filter_map(|(key, seen)| {
            Some(seen.saturating_duration_since(*written.get(key)?).as_secs_f64() * 1e3)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "\n{} tickets/s for {} s, from written to read_committed: p50 {:.0} ms, p99 {:.0} ms, \
         at most {:.0} ms",
        load.rate,
        load.seconds,
        quantile(&times, 0.5),
        quantile(&times, 0.99),
        times.last().copied().unwrap_or_default()
    );
    crews.iter().try_for_each(|crew| crew.stop().map_err(anyhow::Error::msg))?;
    deployment.give(&later)?;
    let begun = Instant::now();
    let crews = deployment.start(1)?;
    reader.await_all(&later.keys())?;
    line("after a pause", later.lines.len() as u64, begun.elapsed());
    crews.iter().try_for_each(|crew| crew.stop().map_err(anyhow::Error::msg))
}

/// Tickets with the keys that their contacts will have.
pub(super) struct Tickets {
    pub(super) lines: Vec<(String, Vec<u8>)>,
}

impl Tickets {
    pub(super) fn made(contacts: u64) -> anyhow::Result<Tickets> {
        let keyed = |json: Vec<u8>| {
            let event: serde_json::Value = serde_json::from_slice(&json).ok()?;
            let source = &event["source"];
            let key = ContactKey::new(
                source["system"].as_str()?,
                source["instance"].as_str(),
                event["contact"]["id"].as_str()?,
            );
            Some((key.as_str().to_owned(), json))
        };
        let made = lines(contacts)?.map(|json| keyed(json).context("a ticket without an id"));
        Ok(Tickets { lines: made.collect::<anyhow::Result<_>>()? })
    }

    pub(super) fn keys(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|(key, _)| key.as_str()).collect()
    }

    pub(super) fn split(mut self, at: usize) -> (Tickets, Tickets) {
        let later = self.lines.split_off(at.min(self.lines.len()));
        (self, Tickets { lines: later })
    }
}

/// Topics of their own, that a prefix keeps apart.
pub(super) struct Deployment {
    pub(super) config: Config,
    pub(super) kafka: KafkaSettings,
    pub(super) names: TopicNames,
    pub(super) input: String,
    pub(super) dir: tempfile::TempDir,
    writer: KafkaWriter,
}

impl Deployment {
    pub(super) fn made(
        config: &Config,
        kafka: &KafkaSettings,
        name: &str,
        partitions: u32,
    ) -> anyhow::Result<Deployment> {
        let mut config = config.clone();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let prefix = format!("bench-{}-{name}.", now.as_millis());
        let input = format!("{prefix}tickets");
        for (key, value) in [
            ("kafka.prefix", prefix),
            ("kafka.inputs", input.clone()),
            ("kafka.partitions", partitions.to_string()),
            ("kafka.stages", "intake,tag,link,trend".to_owned()),
            // Generated times lie in the past: the clock would make all that follows late.
            ("kafka.idle_after", "1d".to_owned()),
        ] {
            config.say(key, value, Origin::Default)?;
        }
        let names = cluster::names(&config);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut planned, _) = runtime.block_on(cluster::planned(&config, kafka))?;
        for n in 0..CHAIN {
            planned.push(Planned {
                spec: TopicSpec {
                    name: bare::topic(&names, n),
                    key: "contact",
                    partitions: Partitions::Made(i32::try_from(partitions)?),
                    cleanup: Cleanup::Delete,
                    retention: None,
                    record_bytes: None,
                },
                finding: Finding::Missing,
                advice: None,
            });
        }
        runtime.block_on(apply(kafka, &planned, None))?;
        let writer = KafkaWriter::open(kafka)?;
        let (kafka, dir) = (kafka.clone(), tempfile::tempdir()?);
        Ok(Deployment { config, kafka, names, input, dir, writer })
    }

    fn records(&self, tickets: &[(String, Vec<u8>)]) -> Vec<StageRecord> {
        let record = |(key, json): &(String, Vec<u8>)| StageRecord {
            topic: self.input.clone(),
            key: Some(key.clone().into_bytes()),
            value: Some(json.clone()),
            ..StageRecord::default()
        };
        tickets.iter().map(record).collect()
    }

    pub(super) fn give(&self, tickets: &Tickets) -> anyhow::Result<()> {
        for chunk in tickets.lines.chunks(CHUNK) {
            self.writer.write(&self.records(chunk))?;
        }
        Ok(())
    }

    /// Returns when each ticket was handed to the producer.
    fn give_steadily(
        &self,
        tickets: &Tickets,
        rate: u64,
    ) -> anyhow::Result<BTreeMap<String, Instant>> {
        let step = Duration::from_secs(1) / u32::try_from(STEPS_A_SECOND)?;
        let chunk = usize::try_from((rate / STEPS_A_SECOND).max(1))?;
        let (mut written, mut due) = (BTreeMap::new(), Instant::now());
        for chunk in tickets.lines.chunks(chunk) {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            due += step;
            let now = Instant::now();
            written.extend(chunk.iter().map(|(key, _)| (key.clone(), now)));
            self.writer.write(&self.records(chunk))?;
        }
        Ok(written)
    }

    /// The stages on so many workers.
    pub(super) fn start(&self, workers: usize) -> anyhow::Result<Vec<Crew>> {
        let taxonomy = wiring::taxonomy(&self.config)?;
        let mut crews = Vec::new();
        let first = self.dir.path().join("0");
        for n in 0..workers {
            let dir = self.dir.path().join(n.to_string());
            std::fs::create_dir_all(&dir)?;
            if n > 0 {
                std::fs::copy(first.join("customer-hash.key"), dir.join("customer-hash.key"))?;
            }
            let version = env!("CARGO_PKG_VERSION");
            let metrics = Arc::new(Metrics::new(version, taxonomy.version(), [])?);
            let (config, kafka) = (self.config.clone(), self.kafka.clone());
            let clock = Arc::new(SystemClock);
            let worker =
                Worker::new(config, kafka, &dir, metrics.clone(), taxonomy.clone(), clock)?;
            let (worker, crew) = (Arc::new(worker), Crew::new(metrics));
            for stage in cluster::stages(&self.config)? {
                worker.start(stage, &crew)?;
            }
            crews.push(crew);
        }
        Ok(crews)
    }

    /// Takes from the worker all that it has on its disk but its key.
    pub(super) fn forget_stores(&self) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(self.dir.path().join("0"))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// A reader of the contacts.
    pub(super) fn reader(&self) -> anyhow::Result<Reader> {
        let topic = self.names.output("contacts");
        let mut log = KafkaReplica::open(
            &self.kafka,
            &self.names.named("bench"),
            [topic],
            &layouts(&self.kafka)?,
        )?;
        log.resume(&[])?;
        Ok(Reader { log, seen: BTreeMap::new() })
    }
}

/// Reads contacts as any service would, and notes when it saw each first.
pub(super) struct Reader {
    log: KafkaReplica,
    seen: BTreeMap<String, Instant>,
}

impl Reader {
    pub(super) fn await_all(&mut self, keys: &BTreeSet<&str>) -> anyhow::Result<()> {
        let mut missing: BTreeSet<&str> =
            keys.iter().copied().filter(|key| !self.seen.contains_key(*key)).collect();
        let mut heard = Instant::now();
        while !missing.is_empty() {
            for record in self.log.poll(TURN_LIMIT, Duration::from_millis(5))? {
                let key = String::from_utf8(record.key.unwrap_or_default())?;
                if missing.remove(key.as_str()) {
                    heard = Instant::now();
                }
                self.seen.entry(key).or_insert_with(Instant::now);
            }
            ensure!(heard.elapsed() < PATIENCE, "{} contacts never came", missing.len());
        }
        Ok(())
    }
}
