//! The topics that Quell reads and writes: what they must be like, what they are, what to do.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::settings::KafkaSettings;

/// How long one question to the cluster may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The largest record, compressed: a contact with all that was said in it is larger than what most
/// clusters allow without being told. Producers of ours take no larger one.
pub(crate) const MAX_RECORD_BYTES: &str = "16777216";

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
    /// Old records are treated otherwise.
    Cleanup {
        /// The cluster's word for it.
        found: String,
    },
}

/// One topic of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it must be like.
    pub spec: TopicSpec,
    /// What is the case.
    pub finding: Finding,
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
        matches!(self.finding, Finding::Partitions { .. } | Finding::Cleanup { .. })
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopicSpec { name, partitions, cleanup, .. } = &self.spec;
        match &self.finding {
            Finding::Right => write!(f, "{name}: as it must be"),
            Finding::Missing => write!(f, "{name}: missing; `quell topics apply` makes it"),
            Finding::Partitions { found } => write!(
                f,
                "{name}: has {found} partitions and must have {}: topics that are read together \
                 are partitioned alike, and records of one key would part. Make it anew, or name \
                 another prefix",
                partitions.count()
            ),
            Finding::Cleanup { found } => write!(
                f,
                "{name}: has cleanup.policy={found} and must have {}: kafka-configs.sh --alter \
                 --topic {name} --add-config cleanup.policy={}",
                cleanup.as_str(),
                cleanup.as_str()
            ),
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
    /// One topic could not be made.
    #[error("topic {name} cannot be made: {code}")]
    Create {
        /// Its name.
        name: String,
        /// The broker's reason.
        code: RDKafkaErrorCode,
    },
}

/// Compares what there must be with what there is. Changes nothing.
///
/// # Errors
/// [`TopicError::Cluster`]
pub async fn plan(
    settings: &KafkaSettings,
    specs: &[TopicSpec],
) -> Result<Vec<Planned>, TopicError> {
    let partitions = partition_counts(settings)?;
    let admin: AdminClient<DefaultClientContext> = settings.client().create()?;
    let known: Vec<&TopicSpec> =
        specs.iter().filter(|spec| partitions.contains_key(&spec.name)).collect();
    let cleanups = cleanups(&admin, &known).await?;
    let finding = |spec: &TopicSpec| {
        let Some(&found) = partitions.get(&spec.name) else { return Finding::Missing };
        if matches!(spec.partitions, Partitions::Exactly(count) if count != found) {
            return Finding::Partitions { found };
        }
        match cleanups.get(&spec.name) {
            Some(cleanup)
                if spec.cleanup != Cleanup::Any
                    && !cleanup.split(',').any(|part| part.trim() == spec.cleanup.as_str()) =>
            {
                Finding::Cleanup { found: cleanup.clone() }
            }
            _ => Finding::Right,
        }
    };
    Ok(specs.iter().map(|spec| Planned { spec: spec.clone(), finding: finding(spec) }).collect())
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
    let retentions: Vec<Option<String>> = missing
        .iter()
        .map(|spec| spec.retention.map(|retention| retention.as_millis().to_string()))
        .collect();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&retentions)
        .map(|(spec, retention)| {
            // -1 stands for the cluster's default.
            let replicas = TopicReplication::Fixed(replication.unwrap_or(-1));
            let topic = NewTopic::new(&spec.name, spec.partitions.count(), replicas)
                .set("cleanup.policy", spec.cleanup.as_str())
                .set("max.message.bytes", MAX_RECORD_BYTES);
            match retention {
                Some(retention) => topic.set("retention.ms", retention),
                None => topic,
            }
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

/// Every topic of the cluster with the number of its partitions.
///
/// # Errors
/// [`TopicError::Cluster`]
pub fn partition_counts(settings: &KafkaSettings) -> Result<BTreeMap<String, i32>, TopicError> {
    let client: BaseConsumer = settings.client().create()?;
    let metadata = client.fetch_metadata(None, PATIENCE)?;
    let count = |partitions: usize| i32::try_from(partitions).unwrap_or(i32::MAX);
    Ok(metadata
        .topics()
        .iter()
        .map(|topic| (topic.name().to_owned(), count(topic.partitions().len())))
        .collect())
}

async fn cleanups(
    admin: &AdminClient<DefaultClientContext>,
    specs: &[&TopicSpec],
) -> Result<BTreeMap<String, String>, TopicError> {
    if specs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<ResourceSpecifier<'_>> =
        specs.iter().map(|spec| ResourceSpecifier::Topic(&spec.name)).collect();
    let mut found = BTreeMap::new();
    let answers = admin.describe_configs(&asked, &options()).await?;
    for (spec, answer) in specs.iter().zip(answers) {
        let Ok(resource) = answer else { continue };
        let policy = resource.entries.into_iter().find(|entry| entry.name == "cleanup.policy");
        if let Some(value) = policy.and_then(|entry| entry.value) {
            found.insert(spec.name.clone(), value);
        }
    }
    Ok(found)
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}
