//! Topics on a real broker.

use std::path::Path;
use std::time::Duration;

use quell_broker::{Cluster, Kafka};
use quell_kafka::KafkaSettings;
use quell_kafka::topics::{Cleanup, Finding, Partitions, Planned, TopicSpec, apply, plan};

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
    TopicSpec { name: name.to_owned(), key: "contact", partitions, cleanup, retention }
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
    assert_eq!(
        findings(&planned),
        [
            Finding::Right,
            Finding::Cleanup { found: "delete".to_owned() },
            Finding::Partitions { found: 3 },
        ]
    );
    assert!(planned[1].to_string().contains("kafka-configs.sh"), "{}", planned[1]);
    assert!(planned[2].to_string().contains("must have 5"), "{}", planned[2]);
    assert_eq!(apply(&settings, &planned, None).await.unwrap(), [""; 0], "nothing is changed");

    cluster.kill(0);
    cluster.restart(0).expect("the broker comes up over its data");
    let later = plan(&settings, &specs).await.unwrap();
    assert_eq!(findings(&later), vec![Finding::Right; 3], "a kill loses no topic");
}
