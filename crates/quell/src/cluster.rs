//! From the configuration to a Kafka cluster: settings, topics, and the runners of the stages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use quell_codec::{Adapter, Limits};
use quell_engine::Settings;
use quell_index::Scope;
use quell_kafka::topics::{Layouts, Planned, layouts, plan};
use quell_kafka::{
    KafkaChangelog, KafkaLog, KafkaReplica, KafkaSettings, StageSpec, catalogue, first_seal,
};
use quell_model::DERIVED_TOPICS;
use quell_model::topic::{StageName, TopicNames};
use quell_ports::stage::Changelog;
use quell_ports::{Clock, PollLimit, PortError};
use quell_store::{StateCache, StoreSettings};
use quell_taxonomy::Taxonomy;
use quell_worker::metrics::Metrics;
use quell_worker::stage::{
    Crew, IntakeSettings, IntakeStage, LinkStage, MakeTurning, Replica, Restorer, Runner,
    RunnerSettings, ServeSettings, Stage, TagStage, TrendStage, Turning, seal, sources,
};
use quell_worker::views::Views;

use crate::args::KafkaArgs;
use crate::backend;
use crate::config::Config;
use crate::wiring;

/// Records of one turn: enough to share a transaction, few enough to bound its memory.
pub const TURN_LIMIT: PollLimit = PollLimit { records: 2_000, bytes: 8 << 20 };

/// How to reach the cluster.
///
/// # Errors
/// A property that is none, or that cannot be taken.
pub fn settings(config: &Config, args: &KafkaArgs) -> anyhow::Result<KafkaSettings> {
    let mut properties = BTreeMap::new();
    for (n, pair) in config.words("kafka.properties").iter().enumerate() {
        add(&mut properties, pair, || format!("kafka.properties, property {}", n + 1))?;
    }
    let file = config.get("kafka.properties_file");
    if !file.is_empty() {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("kafka.properties_file: cannot read {file}"))?;
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                add(&mut properties, line, || format!("{file}:{}", n + 1))?;
            }
        }
    }
    for (n, pair) in args.properties.iter().enumerate() {
        add(&mut properties, pair, || format!("-X, the {}. one", n + 1))?;
    }
    let brokers = config.get("kafka.brokers").to_owned();
    let max_record_bytes =
        usize::try_from(config.bytes("kafka.max_record_bytes")).unwrap_or(usize::MAX);
    let settings = KafkaSettings { brokers, properties, max_record_bytes };
    settings.check()?;
    Ok(settings)
}

/// Adds NAME=VALUE. The text is not repeated where it is none: it may be a part of a password.
fn add(
    properties: &mut BTreeMap<String, String>,
    pair: &str,
    place: impl Fn() -> String,
) -> anyhow::Result<()> {
    let Some((name, value)) = pair.split_once('=') else {
        anyhow::bail!(
            "{}: no `=` in it; write NAME=VALUE, such as linger.ms=20. A value with a comma \
             belongs into kafka.properties_file",
            place()
        );
    };
    properties.insert(name.trim().to_owned(), value.trim().to_owned());
    Ok(())
}

/// The names of the deployment's topics.
pub fn names(config: &Config) -> TopicNames {
    TopicNames::new(config.get("kafka.prefix"))
}

/// The stages to run, as configured.
///
/// # Errors
/// A stage that there is not.
pub fn stages(config: &Config) -> anyhow::Result<Vec<StageName>> {
    let parse = |name: &String| {
        let known = StageName::ALL.map(StageName::as_str).join(", ");
        StageName::parse(name)
            .with_context(|| format!("there is no stage `{name}`; the stages are {known}"))
    };
    config.words("kafka.stages").iter().map(parse).collect()
}

/// What there must be beside what there is, and all topics of the cluster.
///
/// # Errors
/// The cluster cannot be asked.
pub async fn planned(
    config: &Config,
    settings: &KafkaSettings,
) -> anyhow::Result<(Vec<Planned>, Layouts)> {
    let found = layouts(settings)?;
    let partitions = config.get("kafka.partitions").parse().unwrap_or(12);
    let (names, inputs) = (names(config), config.words("kafka.inputs"));
    let specs = catalogue(&names, &inputs, partitions, settings.max_record_bytes, &found);
    Ok((plan(settings, &specs, &found).await?, found))
}

/// A worker on a cluster: what all its stages share.
pub struct Worker {
    config: Config,
    kafka: KafkaSettings,
    names: TopicNames,
    dir: PathBuf,
    name: String,
    core: Arc<Settings>,
    /// Of the key in `core`.
    seal: u64,
    adapter: Arc<Adapter>,
    taxonomy: Arc<Taxonomy>,
    layouts: Layouts,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Worker {
    /// Checks the cluster's topics.
    ///
    /// # Errors
    /// Topics are missing or wrong, or the cluster cannot be asked.
    pub fn new(
        config: Config,
        kafka: KafkaSettings,
        dir: &Path,
        metrics: Arc<Metrics>,
        taxonomy: Arc<Taxonomy>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Worker> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (planned, layouts) = runtime.block_on(planned(&config, &kafka))?;
        let not_right: Vec<String> = planned
            .iter()
            .filter(|planned| !planned.is_right())
            .map(|planned| format!("\n  {planned}"))
            .collect();
        if !not_right.is_empty() {
            anyhow::bail!("the cluster's topics are not as they must be:{}", not_right.concat());
        }
        let mut core = config.core(&taxonomy);
        core.customer_hash_key = wiring::hash_key(dir)?;
        let seal = seal(&core.customer_hash_key);
        Ok(Worker {
            names: names(&config),
            name: worker_name(&config, dir)?,
            adapter: Arc::new(wiring::adapter(&config)?),
            seal,
            core: Arc::new(core),
            dir: dir.to_path_buf(),
            config,
            kafka,
            taxonomy,
            layouts,
            metrics,
            clock,
        })
    }

    /// Makes sure that all workers of the deployment have one key.
    ///
    /// # Errors
    /// Another has another key; [`PortError`] where the cluster does not answer.
    pub fn agree(&self) -> anyhow::Result<()> {
        if first_seal(&self.kafka, &self.names.seal(), self.seal)? != self.seal {
            anyhow::bail!(
                "another worker of this deployment has another customer-hash.key: one customer \
                 would count as two. Copy the first worker's key into {}",
                self.dir.display()
            );
        }
        Ok(())
    }

    /// Starts a stage. The one that serves returns what may be asked.
    ///
    /// # Errors
    /// A folder of ours cannot be opened, or the topics cannot be read.
    pub fn start(
        self: &Arc<Self>,
        stage: StageName,
        crew: &Crew,
    ) -> anyhow::Result<Option<Arc<Views>>> {
        let Some(part) = self.part(stage) else { return self.serve(crew).map(Some) };
        crew.start(stage, self.runner(part)?)?;
        Ok(None)
    }

    /// What makes the runner of a stage, again and again.
    fn runner(self: &Arc<Self>, part: Part) -> anyhow::Result<MakeTurning> {
        let worker = self.clone();
        let stage = part.stage;
        let cache = if stage.has_state() { Some(self.cache(stage)?) } else { None };
        Ok(Box::new(move || {
            let log = KafkaLog::open(&worker.kafka, &worker.spec(&part))?;
            let memory = match &cache {
                None => None,
                Some(cache) => {
                    let restorer = worker.restorer(stage, cache.clone());
                    let restorer = restorer.map_err(|error| {
                        PortError::Fatal(format!("cannot start a thread: {error}"))
                    })?;
                    Some((cache.clone(), restorer))
                }
            };
            let settings = RunnerSettings {
                stage,
                names: worker.names.clone(),
                seal: worker.seal,
                limit: TURN_LIMIT,
                max_record_bytes: worker.kafka.max_record_bytes,
                commit_every: worker.duration("kafka.commit_every"),
            };
            let made = (part.make)(&worker);
            let (metrics, clock) = (worker.metrics.clone(), worker.clock.clone());
            Ok(Box::new(Runner::new(settings, Box::new(log), made, memory, metrics, clock)))
        }))
    }

    /// Starts the copy of the derived topics.
    fn serve(self: &Arc<Self>, crew: &Crew) -> anyhow::Result<Arc<Views>> {
        let (stage, mut index) = (StageName::Serve, wiring::index(&self.config));
        let backend = backend::open(&self.config, self.metrics.clone())?;
        if backend.is_some() {
            index.scope = Scope::Unsettled;
        }
        let mut log = self.replica_log()?;
        let now = self.clock.now();
        let dir = self.folder(stage);
        let (replica, indexer) = Replica::open(&dir, self.store()?, index, backend, &mut log, now)?;
        let every = self.duration("index.commit_every");
        let follow = replica.follow(indexer, self.metrics.clone(), every);
        crew.start_beside(stage, "index", follow)?;
        let views = replica.views().clone();
        let settings = ServeSettings {
            names: self.names.clone(),
            limit: TURN_LIMIT,
            gather: self.duration("kafka.commit_every"),
        };
        let worker = self.clone();
        let mut opened = Some(log);
        let make = move || {
            let log = match opened.take() {
                Some(log) => log,
                None => {
                    let mut log = worker.replica_log()?;
                    replica.resume(&mut log)?;
                    log
                }
            };
            let (metrics, clock) = (worker.metrics.clone(), worker.clock.clone());
            let reader = replica.reader(Box::new(log), settings.clone(), metrics, clock)?;
            Ok(Box::new(reader) as Box<dyn Turning>)
        };
        crew.start(stage, Box::new(make))?;
        Ok(views)
    }

    fn replica_log(&self) -> Result<KafkaReplica, PortError> {
        let topics = DERIVED_TOPICS.map(|topic| self.names.output(topic));
        let group = self.names.replica_group(&self.name);
        KafkaReplica::open(&self.kafka, &group, topics, &self.layouts)
    }

    fn cache(&self, stage: StageName) -> anyhow::Result<StateCache> {
        Ok(StateCache::open(&self.folder(stage), self.store()?)?)
    }

    /// Where a stage keeps its copy.
    fn folder(&self, stage: StageName) -> PathBuf {
        self.dir.join("cluster").join(stage.as_str())
    }

    /// The stages of this worker share the memory for stores.
    fn store(&self) -> anyhow::Result<StoreSettings> {
        let stages = stages(&self.config)?;
        let stores = stages.iter().filter(|stage| **stage != StageName::Intake).count();
        let memory_bytes = self.config.bytes("store.memory") / stores.max(1) as u64;
        Ok(StoreSettings { memory_bytes, ..StoreSettings::default() })
    }

    fn restorer(&self, stage: StageName, cache: StateCache) -> std::io::Result<Restorer> {
        let (kafka, topic) = (self.kafka.clone(), self.names.changelog(stage));
        let open = move || {
            let changelog: Box<dyn Changelog> = Box::new(KafkaChangelog::open(&kafka, &topic)?);
            Ok(changelog)
        };
        let (metrics, clock) = (self.metrics.clone(), self.clock.clone());
        Restorer::start(stage.as_str(), cache, Box::new(open), self.seal, metrics, clock)
    }

    fn spec(&self, part: &Part) -> StageSpec {
        let stage = part.stage;
        let is_static = self.config.get("kafka.static_membership") == "true";
        StageSpec {
            group: self.names.group(stage),
            inputs: part.inputs.clone(),
            changelog: stage.has_state().then(|| self.names.changelog(stage)),
            seal: self.seal,
            transactional_id: self.names.transactional_id(stage, &self.name),
            instance_id: is_static.then(|| self.name.clone()),
        }
    }

    /// None for the stage that serves: it is a copy and no part of the pipeline.
    fn part(&self, stage: StageName) -> Option<Part> {
        let (inputs, make): (_, MakeStage) = match stage {
            StageName::Intake => (self.config.words("kafka.inputs"), Worker::intake),
            StageName::Tag => (vec![self.names.events()], Worker::tag),
            StageName::Link => (vec![self.names.to_link()], Worker::link),
            StageName::Trend => (vec![self.names.facts()], Worker::trend),
            StageName::Serve => return None,
        };
        Some(Part { stage, inputs, make })
    }

    fn intake(&self) -> Box<dyn Stage> {
        let settings = IntakeSettings {
            adapter: self.adapter.clone(),
            limits: Limits::default(),
            lateness_ms: self.config.lateness_ms(),
            idle_after_ms: self.config.ms("kafka.idle_after"),
            event_partitions: self.count(&self.names.events()),
            max_record_bytes: self.kafka.max_record_bytes,
        };
        Box::new(IntakeStage::new(settings, self.names.clone(), self.metrics.clone()))
    }

    fn tag(&self) -> Box<dyn Stage> {
        let inputs = self.config.words("kafka.inputs");
        let sources = inputs.iter().flat_map(|input| sources(input, self.count(input))).collect();
        let links = self.count(&self.names.to_link());
        let (core, taxonomy) = (self.core.clone(), self.taxonomy.clone());
        Box::new(TagStage::new(core, taxonomy, self.names.clone(), sources, links))
    }

    fn link(&self) -> Box<dyn Stage> {
        let topic = self.names.events();
        let sources = sources(&topic, self.count(&topic));
        Box::new(LinkStage::new(self.core.clone(), self.names.clone(), sources))
    }

    fn trend(&self) -> Box<dyn Stage> {
        let topic = self.names.to_link();
        let sources = sources(&topic, self.count(&topic));
        Box::new(TrendStage::new(self.core.clone(), self.taxonomy.version(), sources))
    }

    fn count(&self, topic: &str) -> u32 {
        let count = self.layouts.get(topic).map_or(0, |layout| layout.partitions);
        u32::try_from(count).unwrap_or_default()
    }

    fn duration(&self, key: &str) -> Duration {
        Duration::from_millis(self.config.ms(key).unsigned_abs())
    }
}

/// A stage that reads records of its own: what it reads, and what makes it.
struct Part {
    stage: StageName,
    inputs: Vec<String>,
    make: MakeStage,
}

type MakeStage = fn(&Worker) -> Box<dyn Stage>;

/// The name given, or one that is made once and kept in the folder.
fn worker_name(config: &Config, dir: &Path) -> anyhow::Result<String> {
    let given = config.get("kafka.worker");
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let path = dir.join("worker-name");
    if let Ok(name) = std::fs::read_to_string(&path) {
        return Ok(name.trim().to_owned());
    }
    let bytes = wiring::random_bytes()?;
    let name: String = bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    wiring::write_private(&path, name.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(name)
}
