//! Topics on a real broker.

use std::path::Path;
use std::time::{Duration, Instant};

use quell_broker::{Cluster, Kafka};
use quell_kafka::topics::{
    Cleanup, Finding, Partitions, Planned, TopicError, TopicSpec, apply, layouts,
};
use quell_kafka::{KafkaLog, KafkaSettings, StageSpec, first_seal};
use quell_ports::PollLimit;
use quell_ports::stage::{Partition, Polled, Rebalanced, StageLog};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const PATIENCE: Duration = Duration::from_secs(60);

fn cluster(name: &str) -> Cluster {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Where `cargo xtask test` puts them too: fetched once for all.
    let tools = scratch.with_file_name("tools");
    let kafka = Kafka::provide(&tools).expect("Apache Kafka can be fetched and run");
    kafka.start(&scratch.join(name), 1).expect("the broker comes up")
}

fn settings(cluster: &Cluster) -> KafkaSettings {
    KafkaSettings { brokers: cluster.bootstrap_servers(), ..KafkaSettings::default() }
}

fn spec(name: &str, partitions: Partitions, cleanup: Cleanup) -> TopicSpec {
    let retention = (cleanup == Cleanup::Delete).then_some(Duration::from_secs(86_400));
    let record_bytes = Some(16 << 20);
    TopicSpec {
        name: name.to_owned(),
        key: "contact",
        partitions,
        cleanup,
        retention,
        record_bytes,
    }
}

async fn plan(settings: &KafkaSettings, specs: &[TopicSpec]) -> Result<Vec<Planned>, TopicError> {
    quell_kafka::topics::plan(settings, specs, &layouts(settings)?).await
}

/// Names of the settings that the plan finds wrong.
fn faults(planned: &Planned) -> Vec<&'static str> {
    match &planned.finding {
        Finding::Settings(wrong) => wrong.iter().map(|wrong| wrong.name).collect(),
        _ => Vec::new(),
    }
}

fn findings(plan: &[Planned]) -> Vec<Finding> {
    plan.iter().map(|planned| planned.finding.clone()).collect()
}

#[tokio::test]
async fn a_plan_is_made_applied_and_then_right() {
    let mut cluster = cluster("topics-apply");
    let settings = settings(&cluster);
    let specs = [
        spec("contacts", Partitions::Made(4), Cleanup::Compact),
        spec("repeats", Partitions::Made(2), Cleanup::Delete),
        spec("tag-changelog", Partitions::Exactly(3), Cleanup::Compact),
    ];
    let before = plan(&settings, &specs).await.unwrap();
    assert_eq!(findings(&before), vec![Finding::Missing; 3]);
    let mut made = apply(&settings, &before, None).await.unwrap();
    made.sort();
    assert_eq!(made, ["contacts", "repeats", "tag-changelog"]);
    let after = plan(&settings, &specs).await.unwrap();
    assert_eq!(findings(&after), vec![Finding::Right; 3]);
    assert_eq!(apply(&settings, &after, None).await.unwrap(), [""; 0]);

    let wrong = [
        spec("contacts", Partitions::Made(9), Cleanup::Compact),
        spec("repeats", Partitions::Made(2), Cleanup::Compact),
        spec("tag-changelog", Partitions::Exactly(5), Cleanup::Compact),
    ];
    let planned = plan(&settings, &wrong).await.unwrap();
    assert_eq!(planned[0].finding, Finding::Right);
    // Made to expire, it has the cluster's day for removals too.
    assert_eq!(faults(&planned[1]), ["cleanup.policy", "delete.retention.ms"]);
    assert_eq!(planned[2].finding, Finding::Partitions { found: 3 });
    assert!(planned[1].to_string().contains("kafka-configs.sh"), "{}", planned[1]);
    assert!(planned[2].to_string().contains("must have 5"), "{}", planned[2]);
    assert_eq!(apply(&settings, &planned, None).await.unwrap(), [""; 0], "nothing is changed");

    let larger = TopicSpec { record_bytes: Some(32 << 20), ..specs[0].clone() };
    let planned = plan(&settings, &[larger]).await.unwrap();
    assert_eq!(faults(&planned[0]), ["max.message.bytes"]);

    cluster.kill(0);
    cluster.restart(0).expect("the broker comes up over its data");
    let later = plan(&settings, &specs).await.unwrap();
    assert_eq!(findings(&later), vec![Finding::Right; 3], "a kill loses no topic");
}

fn poll(log: &mut KafkaLog) -> Polled {
    let limit = PollLimit { records: 100, bytes: 1 << 20 };
    log.poll(limit, Duration::ZERO, Duration::from_millis(200)).unwrap()
}

/// Writes so many records in a transaction, and commits it or does not.
fn transaction(cluster: &Cluster, topic: &str, records: usize, is_committed: bool) {
    let producer: BaseProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("transactional.id", "another")
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    for _ in 0..records {
        producer.send(BaseRecord::<(), [u8]>::to(topic).payload(b"a")).map_err(|e| e.0).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    if is_committed {
        producer.commit_transaction(PATIENCE).unwrap();
    } else {
        producer.abort_transaction(PATIENCE).unwrap();
    }
}

/// Waits for the marker of a transaction, which comes a little after its end is known.
fn await_end(cluster: &Cluster, topic: &str, end: i64) {
    let reader: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    let begun = Instant::now();
    while reader.fetch_watermarks(topic, 0, PATIENCE).unwrap().1 < end {
        assert!(begun.elapsed() < PATIENCE, "the marker does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn an_aborted_tail_is_no_lag_and_workers_agree_on_the_first_seal() {
    let cluster = cluster("topics-tail");
    let settings = settings(&cluster);
    let one = |name| spec(name, Partitions::Exactly(1), Cleanup::Delete);
    let specs = [one("tickets"), spec("seal", Partitions::Exactly(1), Cleanup::Compact)];
    let before = plan(&settings, &specs).await.unwrap();
    apply(&settings, &before, None).await.unwrap();

    let stage = StageSpec {
        group: "readers".to_owned(),
        inputs: vec!["tickets".to_owned()],
        changelog: None,
        seal: 0,
        transactional_id: "reader".to_owned(),
        instance_id: None,
    };
    let mut log = KafkaLog::open(&settings, &stage).unwrap();
    let partition = Partition { input: "tickets".to_owned(), number: 0 };
    let came = Rebalanced::Came(partition.clone());
    while !poll(&mut log).rebalanced.contains(&came) {}
    log.resume(&partition, None).unwrap();
    transaction(&cluster, "tickets", 1, true);
    await_end(&cluster, "tickets", 2);
    assert!(!log.is_read(&partition, 0).unwrap(), "a record that was not given is not read");
    transaction(&cluster, "tickets", 5, false);
    await_end(&cluster, "tickets", 8);
    let begun = Instant::now();
    let mut next = 0;
    while !log.is_read(&partition, next).unwrap() || log.known_lag(&partition, next) != Some(0) {
        assert!(begun.elapsed() < PATIENCE, "{next} {:?}", log.known_lag(&partition, next));
        for record in poll(&mut log).records {
            next = record.position.offset + 1;
        }
    }
    assert_eq!(next, 1, "the record that was committed was given before");

    let agreed: Vec<u64> = std::thread::scope(|scope| {
        let settings = &settings;
        let seals = (1..=4).map(|own| scope.spawn(move || first_seal(settings, "seal", own)));
        let seals: Vec<_> = seals.collect();
        seals.into_iter().map(|seal| seal.join().unwrap().unwrap()).collect()
    });
    assert!(agreed.iter().all(|seal| *seal == agreed[0]), "{agreed:?}");
    assert_eq!(first_seal(&settings, "seal", 9).unwrap(), agreed[0], "also later");
}
