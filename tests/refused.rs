//! What workers on a real cluster refuse: records that cannot be read or grow too large, which are
//! put aside and can be given again, and each other, where they do not share a key.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use quell_tests::binary::{get, quell};
use quell_tests::deployment::Deployment;
use quell_tests::{shop, topics};
use serde_json::Value;

/// Partitions of every topic but those that have one.
const PARTITIONS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(180);

/// What became of the command on a deployment's dead letters.
fn ran(deployment: &Deployment, arguments: &[&str]) -> Output {
    let output =
        Command::new(quell()).arg("dlq").args(arguments).args(deployment.settings()).output();
    output.expect("quell runs")
}

/// What the command prints of a deployment's dead letters.
fn dlq(deployment: &Deployment, arguments: &[&str]) -> Output {
    let output = ran(deployment, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The dead letters, once there are so many.
fn letters(deployment: &Deployment, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let listed = dlq(deployment, &["list", "--output", "json", "--limit", "1000"]);
        let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
        if listed.len() == count {
            return listed;
        }
        assert!(begun.elapsed() < PATIENCE && listed.len() < count, "{listed:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn dead_letters_are_given_again_and_a_worker_with_another_key_stops() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (_own, brokers) = topics::given_or_own(scratch, "cluster-letters");
    let dir = tempfile::tempdir().expect("a folder");
    let deployment = Deployment::new(brokers, "letters", dir.path());
    deployment.make_topics(PARTITIONS);
    let poison = ["{\"no end", "[1, 2]"];
    let lines: Vec<String> = [poison[0].to_owned(), shop::opened("good", "2026-01-01")]
        .into_iter()
        .chain([poison[1].to_owned()])
        .collect();
    topics::produce(&deployment.brokers, &deployment.input(), &lines);
    let worker = deployment.worker("one");

    let listed = letters(&deployment, 2);
    let mut shown: Vec<Vec<u8>> = listed
        .iter()
        .map(|letter| dlq(&deployment, &["show", "--raw", letter["id"].as_str().expect("an id")]))
        .map(|output| output.stdout)
        .collect();
    shown.sort();
    assert_eq!(shown, [poison[1].as_bytes(), poison[0].as_bytes()]);

    dlq(&deployment, &["replay", "--cause", "not_an_object"]);
    let again = letters(&deployment, 3);
    let causes = |cause: &str| again.iter().filter(|letter| letter["cause"] == cause).count();
    assert_eq!((causes("not_an_object"), causes("invalid_json")), (2, 1));
    let written = topics::read(&deployment.brokers, &deployment.input());
    let twice: Vec<_> =
        written.iter().filter(|read| read.value.as_deref() == Some(poison[1].as_bytes())).collect();
    assert_eq!(twice.len(), 2, "written to its topic again");
    assert_eq!(twice[0], twice[1], "with its key, its headers and its bytes");

    let unknown = ran(&deployment, &["replay", "no-such[0]@7", "other[0]@8"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(1), "nothing was given: {said}");
    assert!(said.contains("no-such[0]@7, other[0]@8"), "{said}");
    let known = listed[0]["id"].as_str().expect("an id");
    let partly = ran(&deployment, &["list", known, "no-such[0]@7"]);
    assert_eq!(partly.status.code(), Some(3), "{}", String::from_utf8_lossy(&partly.stderr));
    assert_eq!(ran(&deployment, &["show", "no-such[0]@7"]).status.code(), Some(1));

    drop(worker);
    // Also when a supervisor starts it again and again.
    for _ in 0..2 {
        let mut stranger = deployment.worker_with_key("two", [7; 32]);
        let begun = Instant::now();
        let ended = loop {
            if let Some(status) = stranger.child.try_wait().expect("its state") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it works on: {}", stranger.log());
            std::thread::sleep(Duration::from_millis(100));
        };
        let said = stranger.log();
        assert!(!ended.success() && said.contains("customer-hash.key"), "{said}");
        std::fs::remove_file(stranger.data.join("log.txt")).expect("its log");
    }
}

#[test]
fn a_worker_can_be_watched_before_it_reaches_the_cluster() {
    let dir = tempfile::tempdir().expect("a folder");
    let deployment = Deployment::new("127.0.0.1:1".to_owned(), "none", dir.path());
    let mut worker = deployment.worker("one");
    let url = worker.await_start();
    let answers = ["/livez", "/metrics", "/readyz", "/v1/search"].map(|path| {
        let answer = ureq::get(format!("{url}{path}")).config().http_status_as_error(false);
        let mut answer = answer.build().call().expect("it answers");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), text)
    });
    assert_eq!(answers.each_ref().map(|(status, _)| *status), [200, 200, 503, 503]);
    assert!(answers[2].1.contains("waits for the cluster"), "{}", answers[2].1);
    assert!(answers[3].1.contains("\"opening\""), "{}", answers[3].1);
    let ended = worker.child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(69), "{}", worker.log());
}

/// An event of a contact that adds 12 KB of attributes.
fn grown(contact: &str, name: &str) -> String {
    let opened = shop::opened(contact, "2026-01-01");
    let mut event: Value = serde_json::from_str(&opened).expect("JSON");
    event["event_id"] = format!("{contact} {name}").into();
    for n in 0..3 {
        event["contact"]["attributes"][format!("{name}{n}")] = "x".repeat(4_000).into();
    }
    event.to_string()
}

#[test]
fn what_grows_too_large_is_put_aside_and_a_second_key_is_refused_at_once() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (_own, brokers) = topics::given_or_own(scratch, "cluster-large");
    let dir = tempfile::tempdir().expect("a folder");
    let deployment = Deployment::new(brokers, "large", dir.path());
    deployment.make_topics(PARTITIONS);

    // Both begin on empty topics at the same moment; either may be the first.
    let mut rivals = [1, 2].map(|n| deployment.worker_with_key(&format!("rival {n}"), [n; 32]));
    let begun = Instant::now();
    let refused = loop {
        let ended = rivals.iter_mut().position(|rival| {
            rival.child.try_wait().expect("its state").is_some_and(|status| !status.success())
        });
        if let Some(ended) = ended {
            break ended;
        }
        assert!(begun.elapsed() < PATIENCE, "both go on");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(rivals[refused].log().contains("customer-hash.key"), "{}", rivals[refused].log());
    rivals[1 - refused].await_ready();
    drop(rivals);

    let deployment = Deployment { prefix: topics::prefix("grown"), ..deployment };
    deployment.make_topics(PARTITIONS);
    // Each is small; a contact with three of them is larger than the half that TAG may take.
    let lines: Vec<String> = ["a", "b", "c"]
        .map(|name| grown("large", name))
        .into_iter()
        .chain(["one", "two", "three"].map(|contact| shop::opened(contact, "2026-01-01")))
        .collect();
    topics::produce(&deployment.brokers, &deployment.input(), &lines);
    let worker = deployment.worker_with("small", &["kafka.max_record_bytes=65536"]);
    let listed = letters(&deployment, 1);
    assert_eq!((&listed[0]["stage"], &listed[0]["cause"]), (&"tag".into(), &"too_large".into()));
    let url = worker.await_ready();
    let begun = Instant::now();
    while get(&url, "/v1/search?limit=0")["total"] != 4 {
        assert!(begun.elapsed() < PATIENCE, "{}", worker.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let health = |argument: &str| {
        let asked = Command::new(quell()).args(["health", argument]).arg(&worker.data).output();
        asked.expect("quell runs").status.code()
    };
    assert_eq!(health("--data"), Some(0));
    worker.signal("-STOP");
    assert_eq!(health("--data"), Some(69), "nobody answers in time");
    worker.signal("-CONT");
}
