//! A cluster that takes nobody without TLS and a password.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use quell_broker::User;
use quell_tests::binary::{get, quell};
use quell_tests::deployment::Deployment;
use quell_tests::{shop, topics};

const PARTITIONS: usize = 2;
const CONTACTS: usize = 40;
const PASSWORD: &str = "open-sesame-7291";
const WRONG: &str = "open-barley-5063";
const PATIENCE: Duration = Duration::from_secs(120);

/// A file with what a client says of itself, and whom it trusts.
fn properties(dir: &Path, name: &str, password: &str, trusted: Option<&Path>) -> PathBuf {
    let path = dir.join(name);
    let mut text = format!(
        "# for one test\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
         sasl.username=quell\nsasl.password={password}\n"
    );
    if let Some(certificate) = trusted {
        text.push_str(&format!("ssl.ca.location={}\n", certificate.display()));
    }
    std::fs::write(&path, text).expect("the file is written");
    path
}

/// What becomes of asking for the topics.
fn plan(deployment: &Deployment) -> (Output, String) {
    let output = Command::new(quell())
        .args(["topics", "plan"])
        .args(deployment.settings())
        .output()
        .expect("quell runs");
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    (output, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_right_password_over_tls_is_let_in_and_nothing_else() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = tempfile::tempdir().expect("a folder");
    let user = User { name: "quell".to_owned(), password: PASSWORD.to_owned() };
    let cluster = topics::secured_cluster(scratch, "cluster-secured", &user);
    let certificate = cluster.certificate().expect("a certificate");
    let file =
        |name: &str, password: &str, trusted| Some(properties(dir.path(), name, password, trusted));

    let mut deployment = Deployment::new(cluster.secured_servers(), "secured", dir.path());
    deployment.properties = file("wrong.properties", WRONG, Some(certificate));
    let (output, said) = plan(&deployment);
    assert!(!output.status.success(), "{said}");
    assert!(said.to_lowercase().contains("authentication failed"), "{said}");
    assert!(!said.contains(WRONG), "{said}");

    deployment.properties = file("trusting-nobody.properties", PASSWORD, None);
    let (output, said) = plan(&deployment);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("certificate verify failed"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");

    deployment.properties = file("right.properties", PASSWORD, Some(certificate));
    deployment.make_topics(PARTITIONS);
    let lines: Vec<String> =
        (0..CONTACTS).map(|n| shop::opened(&format!("k{n}"), "2026-01-01")).collect();
    // The broker's own listener: what is tested is the worker's way.
    topics::produce(&cluster.bootstrap_servers(), &deployment.input(), &lines);
    let worker = deployment.worker("one");
    let url = worker.await_ready();
    let begun = Instant::now();
    loop {
        let answer = get(&url, "/v1/search?limit=0");
        if answer["total"] == CONTACTS {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer}\n{}", worker.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let written =
        topics::read(&cluster.bootstrap_servers(), &format!("{}contacts", deployment.prefix));
    assert!(written.len() >= CONTACTS, "{}", written.len());
    worker.signal("-TERM");
    assert!(!worker.log().contains(PASSWORD), "{}", worker.log());
}
