//! `quell run`: the embedded mode; with brokers, a worker on a cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use quell_worker::ingest::{Origin, Receipt};
use quell_worker::lines::Lines;
use quell_worker::service::{Service, TakeError};

use crate::Outcome;
use crate::args::{KafkaArgs, ListeningArgs, Run};
use crate::clock::SystemClock;
use crate::command::replay::progress_bar;
use crate::config::{Config, Origin as Said};
use crate::remote::Listening;
use crate::wiring;

/// Records given at once while a file is read.
const BATCH_RECORDS: usize = 500;
/// Bytes given at once while a file is read.
const BATCH_BYTES: usize = 4 << 20;
/// How long `--once` waits for the pipeline to be done with what it read.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// Requests under way get this long when Quell stops.
pub const DRAIN: Duration = Duration::from_secs(10);

pub fn run(args: &Run) -> anyhow::Result<Outcome> {
    let mut config = configured(&args.listening)?;
    if let Some(stages) = &args.stages {
        config.say("kafka.stages", stages.clone(), Said::CommandLine("--stages".to_owned()))?;
    }
    start_log(&config)?;
    if !config.get("kafka.brokers").is_empty() {
        if !args.inputs.is_empty() {
            bail!("--input reads files on one machine; a worker reads the topics of kafka.inputs");
        }
        return on_cluster(&args.listening.kafka, config);
    }
    if !config.get("search.backend").is_empty() {
        let message = "a search backend reads a cluster's topic contacts-settled: give --brokers, \
                       or leave it out";
        return Err(config.error("search.backend", message.to_owned()).into());
    }
    let dir = PathBuf::from(config.get("run.data"));
    let taxonomy = wiring::taxonomy(&config)?;
    let settings = wiring::service(&config, &taxonomy, &dir)?;
    let http = if args.once { None } else { Some(http(&config)?) };
    let service = Arc::new(Service::start(&dir, settings, taxonomy, Arc::new(SystemClock))?);
    let outcome = match http {
        None => once(&service, args),
        Some(http) => serve(&service, args, &dir, http),
    };
    Listening::forget(&dir);
    service.stop().context("the pipeline failed; what was answered with 202 is in the folder")?;
    outcome
}

/// `quell serve`: a worker on a cluster that runs the stage `serve` alone.
pub fn serve_alone(args: &ListeningArgs) -> anyhow::Result<Outcome> {
    let mut config = configured(args)?;
    let said = Said::CommandLine("quell serve".to_owned());
    config.say("kafka.stages", "serve".to_owned(), said)?;
    start_log(&config)?;
    if config.get("kafka.brokers").is_empty() {
        let message = "`quell serve` is a worker on a cluster: give --brokers HOST:PORT. On one \
                       machine `quell run` answers";
        return Err(config.error("kafka.brokers", message.to_owned()).into());
    }
    on_cluster(&args.kafka, config)
}

#[cfg(feature = "kafka")]
fn on_cluster(kafka: &KafkaArgs, config: Config) -> anyhow::Result<Outcome> {
    crate::backend::check(&config)?;
    crate::command::worker::run(kafka, config)
}

#[cfg(not(feature = "kafka"))]
fn on_cluster(_: &KafkaArgs, _: Config) -> anyhow::Result<Outcome> {
    bail!(crate::NO_KAFKA)
}

fn configured(args: &ListeningArgs) -> anyhow::Result<Config> {
    let mut config = Config::load_with(&args.core, &args.kafka)?;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let flags = [
        ("run.data", path(&args.data), "--data"),
        ("run.listen", args.listen.clone(), "--listen"),
        ("run.tls_cert", path(&args.tls_cert), "--tls-cert"),
        ("run.tls_key", path(&args.tls_key), "--tls-key"),
        ("run.tokens", path(&args.tokens), "--tokens"),
        ("search.backend", args.search_backend.clone(), "--search-backend"),
    ];
    for (key, value, flag) in flags {
        if let Some(value) = value {
            config.say(key, value, Said::CommandLine(flag.to_owned()))?;
        }
    }
    Ok(config)
}

/// Log lines go to standard error; they carry counts, positions and causes, never text.
fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,tantivy=warn,fjall=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.get("log.format") {
        "json" => lines.json().try_init(),
        "text" => lines.with_ansi(false).try_init(),
        other => {
            let message = format!("`log.format` cannot be `{other}`: write text or json");
            return Err(config.error("log.format", message).into());
        }
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

/// The listener that the configuration asks for.
///
/// # Errors
/// The address, the certificate or the tokens are wrong.
pub fn http(config: &Config) -> anyhow::Result<quell_api::Listener> {
    let said = |key: &str| {
        let value = config.get(key);
        (!value.is_empty()).then(|| PathBuf::from(value))
    };
    let tls = match (said("run.tls_cert"), said("run.tls_key")) {
        (Some(cert), Some(key)) => Some(quell_api::TlsFiles { cert, key }),
        (None, None) => None,
        _ => bail!("TLS needs both a certificate (run.tls_cert) and its key (run.tls_key)"),
    };
    let access = match said("run.tokens") {
        Some(path) => quell_api::Access::from_file(&path)?,
        None => quell_api::Access::open(),
    };
    Ok(quell_api::Listener::bind(config.get("run.listen"), tls, access)?)
}

fn once(service: &Service, args: &Run) -> anyhow::Result<Outcome> {
    for input in &args.inputs {
        let receipt = feed(service, input)?;
        report(input, &receipt);
    }
    service.complete()?;
    watch(service, PATIENCE)?;
    Ok(Outcome::Done)
}

fn serve(
    service: &Arc<Service>,
    args: &Run,
    dir: &Path,
    http: quell_api::Listener,
) -> anyhow::Result<Outcome> {
    Listening { url: http.url(), pid: std::process::id() }.note(dir)?;
    tracing::info!(url = http.url(), data = %dir.display(), "listening");
    let inputs = args.inputs.clone();
    let feeder = service.clone();
    std::thread::Builder::new().name("inputs".to_owned()).spawn(move || {
        for input in &inputs {
            match feed(&feeder, input) {
                Ok(receipt) => report(input, &receipt),
                Err(error) => tracing::error!(input = %input.display(), "{error:#}"),
            }
        }
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = async {
            stop_signal().await;
            tracing::info!("stopping");
        };
        http.serve(service.clone(), stop, DRAIN).await
    })?;
    Ok(Outcome::Done)
}

/// Ends when the process is told to stop.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the system's own end the process, which loses nothing.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

fn report(input: &Path, receipt: &Receipt) {
    eprintln!(
        "{}: {} accepted, {} rejected, {} empty lines",
        input.display(),
        receipt.accepted,
        receipt.rejected,
        receipt.skipped_empty
    );
    for reject in &receipt.rejects {
        eprintln!("{}:{}: {}: {}", input.display(), reject.record, reject.cause, reject.detail);
    }
}

/// Gives a file's lines to the service, at the pace that the service can take.
///
/// # Errors
/// The file cannot be read or the service has stopped.
pub fn feed(service: &Service, path: &Path) -> anyhow::Result<Receipt> {
    let mut lines = Lines::open(path)?;
    let bar = progress_bar();
    bar.set_length(lines.total_bytes.unwrap_or(0));
    let mut total = Receipt::default();
    let name = lines.name().to_owned();
    let read_bytes = lines.read_bytes.clone();
    let mut batch: Vec<Vec<u8>> = Vec::new();
    let (mut first, mut bytes) = (1, 0);
    loop {
        let line = lines.next_line()?.map(|(_, line)| line.to_vec());
        let ended = line.is_none();
        if let Some(line) = line {
            bytes += line.len();
            batch.push(line);
        }
        if ended || batch.len() >= BATCH_RECORDS || bytes >= BATCH_BYTES {
            let origin = Origin { input: name.clone(), first, headers: Vec::new() };
            add(&mut total, give(service, &origin, &batch)?);
            first += batch.len() as u64;
            bytes = 0;
            batch.clear();
            bar.set_position(read_bytes.load(Ordering::Relaxed));
            bar.set_message(format!("{} records", total.accepted + total.rejected));
        }
        if ended {
            bar.finish_and_clear();
            return Ok(total);
        }
    }
}

fn give(service: &Service, origin: &Origin, batch: &[Vec<u8>]) -> anyhow::Result<Receipt> {
    loop {
        match service.take(origin, batch.iter().map(Vec::as_slice)) {
            Ok(receipt) => return Ok(receipt),
            Err(TakeError::Busy { .. }) => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn add(total: &mut Receipt, receipt: Receipt) {
    total.accepted += receipt.accepted;
    total.rejected += receipt.rejected;
    total.skipped_empty += receipt.skipped_empty;
    let room = 100_usize.saturating_sub(total.rejects.len());
    total.rejects.extend(receipt.rejects.into_iter().take(room));
}

/// Waits until all is worked on and searchable.
///
/// # Errors
/// It is not after the given time, or the pipeline failed.
pub fn watch(service: &Service, patience: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !service.settle(Duration::from_secs(1)) {
        if let Some(reason) = service.not_ready() {
            bail!("the pipeline stopped: {reason}");
        }
        if begun.elapsed() > patience {
            bail!("the pipeline is not done after {} s", patience.as_secs());
        }
    }
    Ok(())
}
