//! `quell demo`: the whole pipeline on real tickets, and what stands out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use quell_index::{SearchRequest, SearchResponse};
use quell_model::issue::SystemicIssue;
use quell_model::{TimeMs, Verdict};
use quell_worker::service::Service;
use quell_worker::trends::{TrendAnswer, TrendRequest};

use crate::Outcome;
use crate::args::{CoreArgs, Demo, Format};
use crate::clock::SystemClock;
use crate::command::run::{feed, watch};
use crate::config::{Config, Origin};
use crate::output::{Row, number, table, text};
use crate::wiring;

/// The sample: real questions to Mozilla Support, March to June 2019. See `samples/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../../../samples/sumo-2019-03-06.ndjson.zst");
const SAMPLE_NAME: &str = "sumo-2019-03-06.ndjson.zst";
/// How long the demo waits for the pipeline to be done.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the demo found: the JSON form of its output.
#[derive(serde::Serialize)]
struct Findings {
    accepted: u64,
    rejected: u64,
    contacts: u64,
    elapsed_s: f64,
    systemic: Vec<SystemicIssue>,
    watch: usize,
    reasons: TrendAnswer,
    repeats: u64,
    example: SearchResponse,
    data: String,
}

pub fn run(args: &Demo) -> anyhow::Result<Outcome> {
    let dir = folder(args)?;
    let core = CoreArgs {
        adapter: Some("sumo".to_owned()),
        taxonomy: Some("firefox".to_owned()),
        set: Vec::new(),
        config: None,
    };
    let mut config = Config::load(&core)?;
    // One old file, all at once: searchable when it is in, not second by second.
    config.say("index.commit_every", "5s".to_owned(), Origin::Default)?;
    let input = match &args.input {
        Some(input) => input.clone(),
        None => sample(&dir)?,
    };
    let begun = Instant::now();
    let taxonomy = wiring::taxonomy(&config)?;
    let settings = wiring::service(&config, &taxonomy, &dir)?;
    let service = Service::start(&dir, settings, taxonomy, Arc::new(SystemClock))?;
    let receipt = feed(&service, &input)?;
    service.complete()?;
    watch(&service, PATIENCE)?;
    let findings = findings(&service, &dir, &receipt, begun.elapsed())?;
    service.stop()?;
    if args.output.output == Some(Format::Json) {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print(&findings)?;
    }
    Ok(Outcome::Done)
}

/// A folder that is the demo's own: one left by an earlier demo is made anew, no other is touched.
fn folder(args: &Demo) -> anyhow::Result<PathBuf> {
    let dir = args.data.clone().unwrap_or_else(|| PathBuf::from("./quell-data/demo"));
    let note = dir.join("DEMO");
    if note.is_file() {
        std::fs::remove_dir_all(&dir)
            .with_context(|| format!("cannot empty the demo's folder {}", dir.display()))?;
    } else if dir.exists() && dir.read_dir()?.next().is_some() {
        bail!("{} holds something that no demo made; give another --data", dir.display());
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    std::fs::write(&note, "This folder is made anew by every `quell demo`.\n")?;
    Ok(dir)
}

fn sample(dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join(SAMPLE_NAME);
    std::fs::write(&path, SAMPLE).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn findings(
    service: &Service,
    dir: &Path,
    receipt: &quell_worker::ingest::Receipt,
    elapsed: Duration,
) -> anyhow::Result<Findings> {
    let issues = service.views().issues()?;
    let watch = issues.iter().filter(|issue| issue.verdict == Verdict::Watch).count();
    let mut systemic: Vec<SystemicIssue> =
        issues.into_iter().filter(|issue| issue.verdict == Verdict::Systemic).collect();
    systemic.sort_by(SystemicIssue::largest_first);
    let example = match systemic.first() {
        Some(issue) => service.views().searcher().search(&around(issue))?,
        None => {
            service.views().searcher().search(&SearchRequest { limit: 3, ..Default::default() })?
        }
    };
    let mut repeats = SearchRequest { limit: 0, ..SearchRequest::default() };
    repeats.filters.repeat = Some(quell_model::RepeatMode::SameIssue);
    Ok(Findings {
        accepted: receipt.accepted,
        rejected: receipt.rejected,
        contacts: service.views().searcher().live_contacts(),
        elapsed_s: (elapsed.as_secs_f64() * 10.0).round() / 10.0,
        systemic,
        watch,
        reasons: service.views().trends(&TrendRequest { limit: 12, ..TrendRequest::default() })?,
        repeats: service.views().searcher().search(&repeats)?.total,
        example,
        data: dir.display().to_string(),
    })
}

fn around(issue: &SystemicIssue) -> SearchRequest {
    let mut request = SearchRequest { limit: 5, ..SearchRequest::default() };
    if !issue.is_of_all() {
        request.filters.reasons = vec![issue.reason.0.clone(), format!("{}.*", issue.reason)];
    }
    request.filters.from = Some(issue.onset_at);
    request.filters.to = issue.closed_at;
    request
}

fn print(findings: &Findings) -> anyhow::Result<()> {
    println!(
        "{} real support tickets became {} contacts in {} s ({} rejected).\n",
        findings.accepted, findings.contacts, findings.elapsed_s, findings.rejected
    );
    println!("Systemic issues: more customers than usual, and than chance explains");
    println!("{}\n", issues_table(&findings.systemic));
    if let Some(issue) = findings.systemic.first() {
        tell(issue, &findings.example);
    }
    println!("Why customers make contact, by contacts and cost");
    let rows: Vec<Row> = findings
        .reasons
        .lines
        .iter()
        .map(|line| Row {
            cells: vec![
                line.reason.clone(),
                crate::output::thousands(line.sums.contacts.as_f64()),
                crate::output::thousands(line.sums.repeats_same_reason.as_f64()),
                crate::output::money(line.sums.cost_micros),
            ],
            value: serde_json::Value::Null,
        })
        .collect();
    let columns = [text("reason"), number("contacts"), number("repeats"), number("cost")];
    println!("{}", table(&columns, &rows));
    println!("{} contacts repeat an earlier one about the same issue.\n", findings.repeats);
    let data = &findings.data;
    println!("Go on with:");
    println!("  quell search 'add-ons ~disabled' --data {data} --from 2019-05-03 --to 2019-05-06");
    println!(
        "  quell trends --data {data} --by version --from 2019-05-01 --to 2019-05-08 \
         --compare previous"
    );
    println!("  quell run --data {data} --adapter sumo --taxonomy firefox");
    Ok(())
}

/// Words of an issue shown in the table.
const WORDS_SHOWN: usize = 3;

fn issues_table(issues: &[SystemicIssue]) -> comfy_table::Table {
    let columns = [
        text("opened"),
        text("reason"),
        number("customers"),
        number("expected"),
        number("times"),
        text("where"),
        text("words"),
    ];
    let rows: Vec<Row> = issues
        .iter()
        .map(|issue| {
            let expected = issue.customers as f64 - issue.excess;
            let times = (expected > 0.0).then(|| issue.customers as f64 / expected);
            let single =
                || issue.explanation.first().map(|p| format!("{}={}", p.dimension, p.value));
            let place = issue.place().or_else(single);
            Row {
                cells: vec![
                    day_hour(issue.opened_at),
                    issue.reason.0.clone(),
                    issue.customers.to_string(),
                    format!("{expected:.1}"),
                    times.map_or("–".to_owned(), |times| format!("{times:.1}")),
                    place.unwrap_or_default(),
                    issue.words_in_short(WORDS_SHOWN),
                ],
                value: serde_json::Value::Null,
            }
        })
        .collect();
    table(&columns, &rows)
}

fn tell(issue: &SystemicIssue, example: &SearchResponse) {
    println!(
        "The largest: {}, from {}. {} of its contacts, for example:",
        issue.reason,
        day_hour(issue.onset_at),
        example.total
    );
    for hit in &example.hits {
        let subject = hit.contact.subject.as_deref().unwrap_or("");
        let subject: String = subject.chars().take(90).collect();
        println!("  {}  {subject}", hit.contact.occurred_at);
    }
    println!();
}

fn day_hour(time: TimeMs) -> String {
    let text = time.to_string();
    text.get(..16).map_or(text.clone(), |short| short.replace('T', " "))
}
