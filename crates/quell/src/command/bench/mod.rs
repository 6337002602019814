//! `quell bench`: what this machine does, beside what it could do at the most.

#[cfg(feature = "kafka")]
mod bare;
mod detect;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod recovery;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use quell_codec::{Adapter, Limits, RawRecord, decode};
use quell_engine::{Core, CoreInput, Effects, Settings, intake};
use quell_index::{IndexSettings, IndexWriter, SearchRequest, Searcher};
use quell_model::contact::Contact;
use quell_model::{Output, TimeMs};
use quell_scenario::{Item, Simulation};
use quell_store::{EmbeddedStore, StoreSettings};
use quell_worker::direct::DirectState;
use quell_worker::ingest::Origin;
use quell_worker::service::Service;

use crate::Outcome;
use crate::args::{Bench, BenchCommand};
use crate::clock::SystemClock;
#[cfg(feature = "kafka")]
use crate::cluster;
use crate::command::run::watch;
use crate::config::{Config, Origin as Said};
use crate::output::thousands;
use crate::wiring;

/// English tickets of about 600 bytes over 40 reasons.
const SCENARIO: &str = include_str!("../../../../../samples/scenarios/load.yaml");
/// Tickets of one turn.
const BATCH: usize = 1_000;
const SEED: u64 = 1;

pub fn run(args: &Bench) -> anyhow::Result<Outcome> {
    match &args.command {
        BenchCommand::Core { contacts } => core(*contacts)?,
        BenchCommand::Embedded { contacts } => embedded(*contacts)?,
        BenchCommand::Search { contacts } => search(*contacts)?,
        BenchCommand::Detect { series, hours, beside_r } => {
            detect::run(*series, *hours, *beside_r)?;
        }
        BenchCommand::History { contacts, data } => history(*contacts, data.as_deref())?,
        #[cfg(feature = "kafka")]
        BenchCommand::Kafka { contacts, rate, seconds, core, kafka } => {
            let load = kafka::Load { contacts: *contacts, rate: *rate, seconds: *seconds };
            kafka::run(load, core, kafka)?;
        }
        #[cfg(feature = "kafka")]
        BenchCommand::Recovery { contacts, core, kafka } => {
            let config = Config::load_with(core, kafka)?;
            recovery::run(*contacts, &config, &cluster::settings(&config, kafka)?)?;
        }
        #[cfg(not(feature = "kafka"))]
        BenchCommand::Kafka { .. } | BenchCommand::Recovery { .. } => {
            anyhow::bail!(crate::NO_KAFKA)
        }
    }
    Ok(Outcome::Done)
}

/// One line of a result: what, how many, how long.
fn line(what: &str, count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let rate = count as f64 / seconds;
    println!(
        "{what:<44} {:>12}/s   {:>7.2} us each   {seconds:>7.2} s",
        thousands(rate),
        seconds * 1e6 / count.max(1) as f64
    );
    rate
}

/// The generated event lines, made before any clock runs.
fn lines(contacts: u64) -> anyhow::Result<impl Iterator<Item = Vec<u8>>> {
    let yaml = SCENARIO.replace("contacts: 100000", &format!("contacts: {contacts}"));
    let scenario = quell_scenario::parse(&yaml, "load.yaml")?;
    let items = Simulation::new(&scenario, SEED);
    Ok(items.filter_map(|item| match item {
        Item::Event(line) => Some(line),
        Item::Truth(_) => None,
    }))
}

fn setup() -> anyhow::Result<(Config, Arc<quell_taxonomy::Taxonomy>)> {
    let core =
        crate::args::CoreArgs { adapter: None, taxonomy: None, set: Vec::new(), config: None };
    let config = Config::load(&core)?;
    let taxonomy = wiring::taxonomy(&config)?;
    Ok((config, taxonomy))
}

fn raw(line: &[u8]) -> RawRecord<'_> {
    RawRecord { value: Some(line), headers: &[], key: None, log_time: TimeMs::MAX }
}

fn core(contacts: u64) -> anyhow::Result<()> {
    let (config, taxonomy) = setup()?;
    let lines: Vec<Vec<u8>> = lines(contacts)?.collect();
    let count = lines.len() as u64;
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("{count} events, {} bytes each, one thread\n", bytes / lines.len().max(1));
    let begun = Instant::now();
    for json in &lines {
        std::hint::black_box(serde_json::from_slice::<serde_json::Value>(json)?);
    }
    line("limit: parsing the JSON into a tree", count, begun.elapsed());
    let (adapter, limits) = (Adapter::canonical(), Limits::default());
    let begun = Instant::now();
    for json in &lines {
        std::hint::black_box(decode(&raw(json), &adapter, &limits).is_ok());
    }
    line("decode", count, begun.elapsed());
    let settings = Arc::new(config.core(&taxonomy));
    let whole = stages(&lines, &settings, &taxonomy, false)?;
    line("decode + redact + tag + link", count, whole);
    let whole = stages(&lines, &settings, &taxonomy, true)?;
    line("decode + redact + tag + link + trend", count, whole);
    Ok(())
}

/// The stages over all lines, with an in-memory state; without TREND its facts are dropped.
fn stages(
    lines: &[Vec<u8>],
    settings: &Arc<Settings>,
    taxonomy: &Arc<quell_taxonomy::Taxonomy>,
    with_trend: bool,
) -> anyhow::Result<Duration> {
    let (adapter, limits) = (Adapter::canonical(), Limits::default());
    let mut state = DirectState::default();
    let mut core = Core::new(settings.clone(), taxonomy.clone());
    let begun = Instant::now();
    for batch in lines.chunks(BATCH) {
        let mut effects = Effects::default();
        for json in batch {
            let Ok(decoded) = decode(&raw(json), &adapter, &limits) else { continue };
            for mut event in decoded.events {
                intake::redact(&mut event);
                if with_trend {
                    core.apply(&mut state, CoreInput::Event(event), &mut effects)?;
                } else {
                    core.tag_and_link(&mut state, event, &mut effects)?;
                }
            }
        }
        core.finish(&mut state, &mut effects)?;
        std::hint::black_box(&effects);
    }
    Ok(begun.elapsed())
}

/// The tagged contacts of all lines.
fn tagged(lines: &[Vec<u8>]) -> anyhow::Result<Vec<Contact>> {
    let (config, taxonomy) = setup()?;
    let (adapter, limits) = (Adapter::canonical(), Limits::default());
    let mut state = DirectState::default();
    let mut core = Core::new(Arc::new(config.core(&taxonomy)), taxonomy);
    let mut contacts = Vec::new();
    for json in lines {
        let Ok(decoded) = decode(&raw(json), &adapter, &limits) else { continue };
        let mut effects = Effects::default();
        for event in decoded.events {
            core.tag_and_link(&mut state, event, &mut effects)?;
        }
        for output in effects.outputs {
            if let Output::Contact { contact: Some(contact), .. } = output {
                contacts.push(*contact);
            }
        }
    }
    Ok(contacts)
}

fn index_settings(config: &Config) -> IndexSettings {
    IndexSettings {
        memory_bytes: usize::try_from(config.bytes("index.memory")).unwrap_or(usize::MAX),
        ..IndexSettings::default()
    }
}

fn embedded(contacts: u64) -> anyhow::Result<()> {
    let (config, taxonomy) = setup()?;
    let lines: Vec<Vec<u8>> = lines(contacts)?.collect();
    let count = lines.len() as u64;
    println!("{count} events, through log, state, outputs and index, beside the index alone\n");
    let alone = {
        let ready = tagged(&lines)?;
        let dir = tempfile::tempdir()?;
        let begun = Instant::now();
        let mut writer = IndexWriter::open(dir.path(), index_settings(&config))?;
        for (n, contact) in ready.iter().enumerate() {
            writer.upsert(contact)?;
            if (n + 1).is_multiple_of(quell_worker::indexer::COMMIT_EVERY_CHANGES) {
                writer.commit(n as u64)?;
            }
        }
        writer.commit(count)?;
        line("limit: tantivy alone, same documents", ready.len() as u64, begun.elapsed())
    };
    let dir = tempfile::tempdir()?;
    let (service, elapsed) = fill(&config, &taxonomy, dir.path(), lines.into_iter())?;
    let whole = line("the whole embedded path", count, elapsed);
    println!("\n{:.0} % of the limit; resident now {}", whole / alone * 100.0, resident());
    service.stop()?;
    Ok(())
}

/// Gives all lines to a new service and waits until they can be searched.
fn fill(
    config: &Config,
    taxonomy: &Arc<quell_taxonomy::Taxonomy>,
    dir: &std::path::Path,
    lines: impl Iterator<Item = Vec<u8>>,
) -> anyhow::Result<(Service, Duration)> {
    let mut config = config.clone();
    config.say("index.commit_every", "5s".to_owned(), Said::Default)?;
    let settings = wiring::service(&config, taxonomy, dir)?;
    let service = Service::start(dir, settings, taxonomy.clone(), Arc::new(SystemClock))?;
    let begun = Instant::now();
    let mut batch: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    let mut first = 1;
    let mut lines = lines.peekable();
    while let Some(next) = lines.next() {
        batch.push(next);
        if batch.len() == BATCH || lines.peek().is_none() {
            let origin = Origin { input: "bench".to_owned(), first, headers: Vec::new() };
            give(&service, &origin, &batch)?;
            first += batch.len() as u64;
            batch.clear();
        }
    }
    watch(&service, Duration::from_secs(24 * 3600))?;
    Ok((service, begun.elapsed()))
}

fn give(service: &Service, origin: &Origin, batch: &[Vec<u8>]) -> anyhow::Result<()> {
    use quell_worker::service::TakeError;
    loop {
        match service.take(origin, batch.iter().map(Vec::as_slice)) {
            Ok(_) => return Ok(()),
            Err(TakeError::Busy { .. }) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Questions as people ask them.
fn questions() -> Vec<(&'static str, SearchRequest)> {
    let ask = |query: Option<&str>, filter: fn(&mut SearchRequest)| {
        let query = query.map(str::to_owned);
        let mut request = SearchRequest { query, limit: 20, ..SearchRequest::default() };
        filter(&mut request);
        request
    };
    vec![
        ("one word", ask(Some("refund"), |_| {})),
        ("two words near", ask(Some("refund ~delay"), |_| {})),
        ("phrase", ask(Some("\"charged twice\""), |_| {})),
        ("reason", ask(None, |r| r.filters.reasons = vec!["billing.*".to_owned()])),
        (
            "word + reason + channel",
            ask(Some("order"), |r| {
                r.filters.reasons = vec!["delivery.*".to_owned()];
                r.filters.channels = vec!["email".to_owned()];
            }),
        ),
        (
            "repeats of a reason",
            ask(None, |r| {
                r.filters.reasons = vec!["delivery.*".to_owned()];
                r.filters.repeat = Some(quell_model::RepeatMode::SameReason);
            }),
        ),
    ]
}

fn search(contacts: u64) -> anyhow::Result<()> {
    const ROUNDS: usize = 200;
    let (config, _) = setup()?;
    let dir = tempfile::tempdir()?;
    let mut writer = IndexWriter::open(dir.path(), index_settings(&config))?;
    let mut count = 0;
    let mut pending = Vec::with_capacity(100_000);
    for json in lines(contacts)? {
        pending.push(json);
        if pending.len() == 100_000 {
            count += add(&mut writer, &pending)?;
            pending.clear();
        }
    }
    count += add(&mut writer, &pending)?;
    let searcher = writer.searcher()?;
    searcher.reload()?;
    println!("{count} contacts, {ROUNDS} rounds of each question\n");
    println!("{:<28} {:>10} {:>10} {:>12}", "question", "p50 ms", "p99 ms", "hits");
    for (name, request) in questions() {
        let (times, hits) = measure(&searcher, &request, ROUNDS)?;
        println!(
            "{name:<28} {:>10.2} {:>10.2} {hits:>12}",
            quantile(&times, 0.5),
            quantile(&times, 0.99)
        );
    }
    writer.close()?;
    Ok(())
}

fn add(writer: &mut IndexWriter, lines: &[Vec<u8>]) -> anyhow::Result<u64> {
    let contacts = tagged(lines)?;
    for contact in &contacts {
        writer.upsert(contact)?;
    }
    writer.commit(0)?;
    Ok(contacts.len() as u64)
}

fn measure(
    searcher: &Searcher,
    request: &SearchRequest,
    rounds: usize,
) -> anyhow::Result<(Vec<f64>, u64)> {
    let mut times = Vec::with_capacity(rounds);
    let mut hits = 0;
    for _ in 0..rounds {
        let begun = Instant::now();
        hits = searcher.search(request)?.total;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((times, hits))
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn history(contacts: u64, data: Option<&Path>) -> anyhow::Result<()> {
    let (config, taxonomy) = setup()?;
    let own = tempfile::tempdir().context("cannot make a folder for the history")?;
    let dir = data.unwrap_or(own.path());
    // The generator's events are the same each time, and the log counts what was taken.
    let taken = match dir.join("store") {
        store if store.exists() => EmbeddedStore::open(&store, StoreSettings::default())?.log_end(),
        _ => 0,
    };
    if taken > 0 {
        println!("{} events are there", thousands(taken as f64));
    }
    let lines = lines(contacts)?.skip(usize::try_from(taken)?);
    let (service, elapsed) = fill(&config, &taxonomy, dir, lines)?;
    line("the whole embedded path", contacts.saturating_sub(taken), elapsed);
    println!("resident {}, at most {}", resident(), peak());
    for part in ["store", "index"] {
        println!("{part:<6} {:>10.1} MB on disk", disk_bytes(&dir.join(part)) as f64 / 1e6);
    }
    println!("{} contacts can be searched", service.views().searcher().live_contacts());
    service.stop()?;
    Ok(())
}

fn resident() -> String {
    status("VmRSS:")
}

fn peak() -> String {
    status("VmHWM:")
}

fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or("unknown".to_owned(), |value| value.trim().to_owned())
}

fn disk_bytes(dir: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
