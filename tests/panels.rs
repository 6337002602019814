//! What operations look at answers: every query of the dashboards and every rule, asked of a real
//! Prometheus that watches a real run, on one machine and on a cluster.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quell_tests::binary::quell;
use quell_tests::deployment::{Deployment, Worker};
use quell_tests::tools::tool;
use quell_tests::{shop, topics};
use serde_json::Value;

const DASHBOARDS: [&str; 2] = ["pipeline-health", "contact-reasons"];
const PARTITIONS: usize = 3;
/// How long all queries may take to have an answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two portions of events.
const PACE: Duration = Duration::from_millis(700);

/// Where a query is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Machine,
    Cluster,
}

/// One query of a panel.
#[derive(Debug)]
struct Query {
    /// Dashboard, panel and letter.
    name: String,
    expr: String,
    modes: Vec<Mode>,
}

fn mixin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/mixin")
}

fn read(path: &str) -> String {
    let path = mixin().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What need not be answered on a healthy run, by kind: rows, queries, alerts.
fn may_be_empty() -> Value {
    serde_saphyr::from_str(&read("may-be-empty.yaml")).expect("it is YAML")
}

/// The queries of the dashboards that must have an answer.
fn queries() -> Vec<Query> {
    let exceptions = may_be_empty();
    let mut found = Vec::new();
    for name in DASHBOARDS {
        let text = read(&format!("dashboards/{name}.json"));
        let dashboard: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
        let mut modes = vec![Mode::Machine, Mode::Cluster];
        for panel in dashboard["panels"].as_array().expect("panels") {
            let title = panel["title"].as_str().expect("a title");
            if panel["type"] == "row" {
                modes = match &exceptions["rows"][format!("{name} / {title}")] {
                    Value::Null => vec![Mode::Machine, Mode::Cluster],
                    _ if title.starts_with("On a cluster") => vec![Mode::Cluster],
                    _ => vec![Mode::Machine],
                };
            }
            for target in panel["targets"].as_array().into_iter().flatten() {
                let letter = target["refId"].as_str().expect("a letter");
                let full = format!("{name} / {title} / {letter}");
                let expr = target["expr"].as_str().expect("a query").to_owned();
                if exceptions["queries"][&full].is_null() {
                    found.push(Query { name: full, expr, modes: modes.clone() });
                }
            }
        }
    }
    found
}

/// The series that the alerts compare, by alert.
fn compared() -> BTreeMap<String, Vec<String>> {
    let exceptions = may_be_empty();
    let rules: Value = serde_saphyr::from_str(&read("alerts.yaml")).expect("it is YAML");
    let mut found = BTreeMap::new();
    for rule in rules["groups"].as_array().expect("groups").iter().flat_map(rules_of) {
        let alert = rule["alert"].as_str().expect("a name").to_owned();
        let expr = rule["expr"].as_str().expect("a query");
        if exceptions["alerts"][&alert].is_null() {
            found.insert(alert, selectors(expr));
        }
    }
    found
}

fn rules_of(group: &Value) -> impl Iterator<Item = &Value> {
    group["rules"].as_array().expect("rules").iter()
}

/// `name{…}` wherever one of our metrics, or `up`, is named.
fn selectors(expr: &str) -> Vec<String> {
    let starts = expr.match_indices('{').filter_map(|(brace, _)| {
        let head = expr.get(..brace)?;
        let name = head.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        let end = brace + expr.get(brace..)?.find('}')?;
        expr.get(brace - name.len()..=end)
    });
    starts.map(str::to_owned).collect()
}

/// A process that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The embedded mode, and where it listens.
fn machine(dir: &Path) -> Worker {
    std::fs::create_dir_all(dir).expect("a folder");
    let child = Command::new(quell())
        .args(["run", "--listen", "127.0.0.1:0", "--set", "lateness=1d", "--data"])
        .arg(dir)
        .stderr(Stdio::null())
        .spawn()
        .expect("quell starts");
    Worker { data: dir.to_owned(), child }
}

/// Prometheus over these targets, and its address.
fn prometheus(dir: &Path, targets: &[&str]) -> (Running, String) {
    std::fs::create_dir_all(dir).expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let address = port.expect("a free port").to_string();
    let targets: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         scrape_configs:\n  - job_name: quell\n    static_configs: [{{targets: [{}]}}]\n\
         rule_files: [{}]\n",
        targets.join(", "),
        mixin().join("alerts.yaml").canonicalize().expect("the rules").display(),
    );
    std::fs::write(dir.join("prometheus.yml"), configuration).expect("a file");
    let log = std::fs::File::create(dir.join("log.txt")).expect("a file");
    let child = Command::new(tool("prometheus", "QUELL_PROMETHEUS"))
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stderr(log)
        .spawn()
        .expect("Prometheus starts; `cargo xtask test` fetches it");
    (Running(child), format!("http://{address}"))
}

fn ask(url: &str, parameters: &[(&str, &str)]) -> Value {
    let mut request = ureq::get(url).config().http_status_as_error(false).build();
    for (name, value) in parameters {
        request = request.query(name, value);
    }
    let Ok(mut answer) = request.call() else { return Value::Null };
    let body = answer.body_mut().read_to_string().expect("a body");
    serde_json::from_str(&body).unwrap_or(Value::String(body))
}

/// Why the query has no honest answer; none where it has one.
fn wrong(prometheus: &str, expr: &str) -> Option<String> {
    let answer = ask(&format!("{prometheus}/api/v1/query"), &[("query", expr)]);
    if answer["status"] != "success" {
        return Some(format!("refused: {answer}"));
    }
    let results = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    let is_number = |result: &Value| {
        let value = result["value"][1].as_str().unwrap_or("NaN");
        value.parse::<f64>().is_ok_and(f64::is_finite)
    };
    if !results.iter().any(is_number) {
        return Some(format!("no number in {} results", results.len()));
    }
    let grouped = expr.split("by (").nth(1).and_then(|rest| rest.split(')').next());
    let labels = grouped.into_iter().flat_map(|labels| labels.split(", "));
    let missing = labels.filter(|label| *label != "le").find(|label| {
        results.iter().any(|result| result["metric"][*label].as_str().is_none_or(str::is_empty))
    });
    missing.map(|label| format!("a result without the label {label}"))
}

/// Gives portions of events to both until told to stop.
fn feed(machine: &str, deployment: &Deployment, is_done: &AtomicBool) {
    let lines = shop::events(200_000);
    for portion in lines.chunks(200) {
        if is_done.load(Ordering::SeqCst) {
            return;
        }
        topics::produce(&deployment.brokers, &deployment.input(), portion);
        ureq::post(format!("{machine}/v1/events"))
            .header("content-type", "application/x-ndjson")
            .send(portion.join("\n"))
            .expect("records are taken in");
        std::thread::sleep(PACE);
    }
}

/// Asks until everything is answered or the time is up; returns what is not.
fn unanswered(prometheus: &str, asked: &[(String, String)]) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let wrong: Vec<String> = asked
            .iter()
            .filter_map(|(name, expr)| Some(format!("{name}: {}", wrong(prometheus, expr)?)))
            .collect();
        if wrong.is_empty() || begun.elapsed() > PATIENCE {
            return wrong;
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

#[test]
fn every_query_is_answered_by_a_real_run() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (_own, brokers) = topics::given_or_own(scratch, "cluster-panels");
    let dir = tempfile::tempdir().expect("a folder");
    let deployment = Deployment::new(brokers, "panels", dir.path());
    deployment.make_topics(PARTITIONS);
    let (machine, worker) = (machine(&dir.path().join("machine")), deployment.worker("one"));
    let urls = [machine.await_ready(), worker.await_ready()];
    let targets = urls.each_ref().map(|url| url.trim_start_matches("http://"));
    let (_prometheus, url) = prometheus(&dir.path().join("prometheus"), &targets);

    let instance = |mode: Mode| targets[usize::from(mode == Mode::Cluster)];
    let mut asked: Vec<(String, String)> = Vec::new();
    for query in queries() {
        for mode in &query.modes {
            let expr = query.expr.replace("$job", "quell").replace("$instance", instance(*mode));
            let expr = expr.replace("$__rate_interval", "15s").replace("$__range", "30s");
            asked.push((format!("{} on {mode:?}", query.name), expr));
        }
    }
    assert!(asked.len() > 60, "{}", asked.len());
    for (alert, selectors) in compared() {
        asked.extend(selectors.into_iter().map(|expr| (alert.clone(), format!("count({expr})"))));
    }

    let is_done = AtomicBool::new(false);
    let unanswered = std::thread::scope(|scope| {
        scope.spawn(|| feed(&urls[0], &deployment, &is_done));
        let unanswered = unanswered(&url, &asked);
        is_done.store(true, Ordering::SeqCst);
        unanswered
    });
    assert!(unanswered.is_empty(), "{}", unanswered.join("\n"));

    let rules = ask(&format!("{url}/api/v1/rules"), &[]);
    for rule in rules["data"]["groups"].as_array().expect("groups").iter().flat_map(rules_of) {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}
