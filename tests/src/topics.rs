//! Writing to and reading from the topics of a real cluster, as any other service would.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use quell_broker::{Cluster, Kafka, User};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Three times as long as the broker lets a transaction of Quell stay open.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(30);

/// The cluster that tests may use instead of starting one.
const GIVEN: &str = "KAFKA_BOOTSTRAP_SERVERS";

/// Where clients find the cluster that the caller names, if any.
pub fn given() -> Option<String> {
    std::env::var(GIVEN).ok().filter(|servers| !servers.trim().is_empty())
}

/// A prefix for topics that no other run has: a given cluster keeps those of earlier ones.
pub fn prefix(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = now.map_or(0, |since| since.as_millis());
    format!("{name}-{millis}.")
}

/// A cluster of its own for one test.
///
/// # Panics
/// When it does not come up.
pub fn cluster(scratch: &Path, name: &str, nodes: usize) -> Cluster {
    // Where `cargo xtask test` puts them too: fetched once for all.
    let tools = scratch.with_file_name("tools");
    let kafka = Kafka::provide(&tools).expect("Apache Kafka can be fetched and run");
    kafka.start(&scratch.join(name), nodes).expect("the cluster comes up")
}

/// A cluster of its own that also listens with TLS for this user.
///
/// # Panics
/// When it does not come up.
pub fn secured_cluster(scratch: &Path, name: &str, user: &User) -> Cluster {
    let kafka = Kafka::provide(&scratch.with_file_name("tools")).expect("Apache Kafka");
    kafka.start_secured(&scratch.join(name), user).expect("the cluster comes up")
}

/// The given cluster, or one of its own that goes with the value; and where clients find it.
///
/// # Panics
/// When it does not come up.
pub fn given_or_own(scratch: &Path, name: &str) -> (Option<Cluster>, String) {
    match given() {
        Some(servers) => (None, servers),
        None => {
            let own = cluster(scratch, name, 1);
            let servers = own.bootstrap_servers();
            (Some(own), servers)
        }
    }
}

/// Writes lines to a topic, each keyed by its number.
///
/// # Panics
/// When the cluster does not take them.
pub fn produce(brokers: &str, topic: &str, lines: &[String]) {
    write(brokers, topic, lines, |_| None);
}

/// Writes the first line to the first partition, the second to the second, and so on.
///
/// # Panics
/// When the cluster does not take them.
pub fn produce_each(brokers: &str, topic: &str, lines: &[String]) {
    write(brokers, topic, lines, |n| i32::try_from(n).ok());
}

fn write(brokers: &str, topic: &str, lines: &[String], to: impl Fn(usize) -> Option<i32>) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .create()
        .expect("a producer");
    for (n, line) in lines.iter().enumerate() {
        let key = n.to_string();
        let mut record = BaseRecord::to(topic).key(&key).payload(line);
        record.partition = to(n);
        while let Err((_, back)) = producer.send(record) {
            record = back;
            producer.poll(Duration::from_millis(50));
        }
    }
    producer.flush(PATIENCE).expect("the cluster takes the records");
}

/// A committed record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Read {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
}

/// All committed records of a topic.
///
/// # Panics
/// When they cannot be read.
pub fn read(brokers: &str, topic: &str) -> Vec<Read> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the topic is there");
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions as i32 {
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&list).expect("partitions are assigned");
    let (mut found, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        match consumer.poll(PATIENCE).expect("the cluster answers") {
            Ok(message) => found.push(Read {
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(BTreeMap::new, |headers| {
                    headers
                        .iter()
                        .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                        .collect()
                }),
            }),
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{topic}: {error}"),
        }
    }
    found
}

/// The value of the highest revision per key, without removed ones: what a reader ends with.
///
/// # Panics
/// When a record has no revision or is no JSON.
pub fn finals(brokers: &str, topic: &str) -> BTreeMap<String, Value> {
    let mut latest: BTreeMap<String, (u64, Option<Vec<u8>>)> = BTreeMap::new();
    for record in read(brokers, topic) {
        let key = String::from_utf8(record.key).expect("keys are text");
        let revision = record.headers.get("quell-revision").expect("a revision");
        let revision = String::from_utf8_lossy(revision).parse().expect("a number");
        let known = latest.entry(key).or_insert((0, None));
        if revision >= known.0 {
            *known = (revision, record.value);
        }
    }
    let parse = |value: Vec<u8>| serde_json::from_slice(&value).expect("values are JSON");
    latest.into_iter().filter_map(|(key, (_, value))| Some((key, parse(value?)))).collect()
}

/// Partitions of topics with this prefix in which a transaction stays open for longer than any
/// broker leaves one open.
///
/// # Panics
/// When the cluster cannot be asked.
pub fn endless_transactions(brokers: &str, prefix: &str) -> Vec<String> {
    let open = |isolation: &str| -> BTreeMap<(String, i32), i64> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("isolation.level", isolation)
            .create()
            .expect("a consumer");
        let metadata = consumer.fetch_metadata(None, PATIENCE).expect("the cluster answers");
        let topics = metadata.topics().iter().filter(|topic| topic.name().starts_with(prefix));
        let partitions = topics.flat_map(|topic| {
            topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id()))
        });
        let end = |(topic, number): (String, i32)| {
            let ends = consumer.fetch_watermarks(&topic, number, PATIENCE);
            ((topic, number), ends.expect("the partition's end").1)
        };
        partitions.map(end).collect()
    };
    let stable = open("read_committed");
    std::thread::sleep(LONGEST_TRANSACTION);
    let (later, ends) = (open("read_committed"), open("read_uncommitted"));
    let endless = stable.iter().filter(|(partition, stable)| {
        later.get(*partition) == Some(*stable)
            && ends.get(*partition).is_some_and(|end| end > *stable)
    });
    endless.map(|((topic, number), at)| format!("{topic}[{number}]@{at}")).collect()
}
