//! The topics that Quell reads and writes: what they must be like, what they are, what to do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::settings::KafkaSettings;
pub use crate::topic_settings::WrongSetting;
use crate::topic_settings::{advice, made_with, wrong};

/// How long one question to the cluster may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The topics of a cluster by name.
pub type Layouts = BTreeMap<String, Layout>;

/// How a topic is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Partitions.
    pub partitions: i32,
    /// Copies of each.
    pub copies: i32,
}

/// What becomes of old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Each key's last record stays.
    Compact,
    /// Records go after the topic's retention time.
    Delete,
    /// The owner's business.
    Any,
}

impl Cleanup {
    /// The cluster's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Cleanup::Compact => "compact",
            Cleanup::Delete | Cleanup::Any => "delete",
        }
    }
}

/// What a topic must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name, prefix included.
    pub name: String,
    /// What its records are keyed by, in words.
    pub key: &'static str,
    /// How many partitions.
    pub partitions: Partitions,
    /// What becomes of old records.
    pub cleanup: Cleanup,
    /// How long records stay, where they go; none: the cluster's default.
    pub retention: Option<Duration>,
    /// The largest record that Quell writes to it, in bytes; none for a topic of others.
    pub record_bytes: Option<usize>,
}

/// How many partitions a topic must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// Exactly so many: others are partitioned alike, or all must come together.
    Exactly(i32),
    /// So many if it is made now; any number if it is there.
    Made(i32),
}

impl Partitions {
    /// The number.
    pub fn count(self) -> i32 {
        match self {
            Partitions::Exactly(count) | Partitions::Made(count) => count,
        }
    }
}

/// What is the case with one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is as it must be.
    Right,
    /// It is not there and would be made.
    Missing,
    /// It has another number of partitions.
    Partitions {
        /// How many it has.
        found: i32,
    },
    /// Settings are not as they must be.
    Settings(Vec<WrongSetting>),
}

/// One topic of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it must be like.
    pub spec: TopicSpec,
    /// What is the case.
    pub finding: Finding,
    /// What stands in nobody's way and is better known.
    pub advice: Option<String>,
}

impl Planned {
    /// Whether the topic is there as it must be.
    pub fn is_right(&self) -> bool {
        self.finding == Finding::Right
    }

    /// The finding and what to do about it.
    pub fn finding_text(&self) -> String {
        let text = self.to_string();
        let own = format!("{}: ", self.spec.name);
        text.strip_prefix(&own).unwrap_or(&text).to_owned()
    }

    /// Whether it stands in the way: what is wrong is never changed by Quell.
    pub fn is_wrong(&self) -> bool {
        matches!(self.finding, Finding::Partitions { .. } | Finding::Settings(_))
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopicSpec { name, partitions, .. } = &self.spec;
        match &self.finding {
            Finding::Right => match &self.advice {
                None => write!(f, "{name}: as it must be"),
                Some(advice) => write!(f, "{name}: as it must be; {advice}"),
            },
            Finding::Missing => write!(f, "{name}: missing; `quell topics apply` makes it"),
            Finding::Partitions { found } => write!(
                f,
                "{name}: has {found} partitions and must have {}: topics that are read together \
                 are partitioned alike, and records of one key would part. Make it anew, or name \
                 another prefix",
                partitions.count()
            ),
            Finding::Settings(wrong) => {
                let said: Vec<String> = wrong.iter().map(WrongSetting::to_string).collect();
                let set: Vec<String> =
                    wrong.iter().map(|wrong| format!("{}={}", wrong.name, wrong.wanted)).collect();
                write!(
                    f,
                    "{name}: has {}: kafka-configs.sh --alter --topic {name} --add-config {}",
                    said.join("; "),
                    set.join(",")
                )
            }
        }
    }
}

/// Why the topics could not be looked at or made.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// The cluster cannot be reached or does not allow it.
    #[error(
        "the cluster does not answer; is --brokers right, and may this user describe and create topics?"
    )]
    Cluster(#[from] KafkaError),
    /// The cluster was found and does not let us in, or is not whom we trust.
    #[error("the cluster cannot be talked to: {0}; is what kafka.properties_file says right?")]
    Refused(String),
    /// One topic could not be made.
    #[error("topic {name} cannot be made: {code}")]
    Create {
        /// Its name.
        name: String,
        /// The broker's reason.
        code: RDKafkaErrorCode,
    },
}

/// Compares what there must be with what there is, the topics `found`. Changes nothing.
///
/// # Errors
/// [`TopicError::Cluster`]
pub async fn plan(
    settings: &KafkaSettings,
    specs: &[TopicSpec],
    found: &Layouts,
) -> Result<Vec<Planned>, TopicError> {
    let admin: AdminClient<DefaultClientContext> = settings.client().create()?;
    let known: Vec<&TopicSpec> =
        specs.iter().filter(|spec| found.contains_key(&spec.name)).collect();
    let settings = topic_settings(&admin, &known).await?;
    let planned = |spec: &TopicSpec| {
        let Some(layout) = found.get(&spec.name) else { return (Finding::Missing, None) };
        let found = layout.partitions;
        if matches!(spec.partitions, Partitions::Exactly(count) if count != found) {
            return (Finding::Partitions { found }, None);
        }
        match settings.get(&spec.name) {
            Some(Ok(settings)) => match wrong(spec, settings, layout.copies) {
                wrong if wrong.is_empty() => (Finding::Right, advice(settings, layout.copies)),
                wrong => (Finding::Settings(wrong), None),
            },
            Some(Err(code)) => {
                let advice = format!("but this user may not see its settings ({code})");
                (Finding::Right, Some(advice))
            }
            None => (Finding::Right, None),
        }
    };
    let plan = specs.iter().map(|spec| {
        let (finding, advice) = planned(spec);
        Planned { spec: spec.clone(), finding, advice }
    });
    Ok(plan.collect())
}

/// Makes what is missing; `replication` copies of each, or the cluster's default. Returns the
/// names. What is wrong stays as it is.
///
/// # Errors
/// [`TopicError`]
pub async fn apply(
    settings: &KafkaSettings,
    plan: &[Planned],
    replication: Option<i32>,
) -> Result<Vec<String>, TopicError> {
    let admin: AdminClient<DefaultClientContext> = settings.client().create()?;
    let missing: Vec<&TopicSpec> = plan
        .iter()
        .filter(|planned| planned.finding == Finding::Missing)
        .map(|planned| &planned.spec)
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let settings: Vec<Vec<(&str, String)>> =
        missing.iter().map(|spec| made_with(spec, replication)).collect();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&settings)
        .map(|(spec, settings)| {
            // -1 stands for the cluster's default.
            let replicas = TopicReplication::Fixed(replication.unwrap_or(-1));
            let topic = NewTopic::new(&spec.name, spec.partitions.count(), replicas);
            settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
        })
        .collect();
    let mut made = Vec::new();
    for result in admin.create_topics(&topics, &options()).await? {
        match result {
            Ok(name) => made.push(name),
            // Another worker was quicker; it made the same.
            Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => made.push(name),
            Err((name, code)) => return Err(TopicError::Create { name, code }),
        }
    }
    Ok(made)
}

/// How long a client may take to say why it got no answer.
const COMPLAINT_PAUSE: Duration = Duration::from_millis(200);

/// What a client said of TLS or of its password.
#[derive(Default)]
struct Complaint(Mutex<Option<String>>);

impl Complaint {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Complaint {
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)) {
            let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            said.get_or_insert_with(|| reason.to_owned());
        }
    }
}

impl ConsumerContext for Complaint {}

/// Every topic of the cluster.
///
/// # Errors
/// [`TopicError::Cluster`]
pub fn layouts(settings: &KafkaSettings) -> Result<Layouts, TopicError> {
    let client: BaseConsumer<Complaint> =
        settings.client().create_with_context(Complaint::default())?;
    let metadata = match client.fetch_metadata(None, PATIENCE) {
        Ok(metadata) => metadata,
        Err(error) => {
            // The client only says that it got no answer; why is told to its context.
            let _ = client.poll(COMPLAINT_PAUSE);
            return Err(client.context().take().map_or(error.into(), TopicError::Refused));
        }
    };
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(metadata
        .topics()
        .iter()
        .map(|topic| {
            let partitions = topic.partitions();
            let copies = partitions.iter().map(|partition| partition.replicas().len()).min();
            let layout = Layout {
                partitions: count(partitions.len()),
                copies: count(copies.unwrap_or_default()),
            };
            (topic.name().to_owned(), layout)
        })
        .collect())
}

/// The settings of topics, or why they cannot be seen.
type Settings = BTreeMap<String, Result<BTreeMap<String, String>, RDKafkaErrorCode>>;

async fn topic_settings(
    admin: &AdminClient<DefaultClientContext>,
    specs: &[&TopicSpec],
) -> Result<Settings, TopicError> {
    if specs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<ResourceSpecifier<'_>> =
        specs.iter().map(|spec| ResourceSpecifier::Topic(&spec.name)).collect();
    let answers = admin.describe_configs(&asked, &options()).await?;
    let read = |resource: ConfigResource| {
        let entries = resource.entries.into_iter();
        entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()
    };
    Ok(specs
        .iter()
        .zip(answers)
        .map(|(spec, answer)| (spec.name.clone(), answer.map(read)))
        .collect())
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}
