//! Contacts in two places, asked as one: what the index of the others and a real OpenSearch with
//! the settled ones answer together is what one index of all answers.

#[path = "search_backend/questions.rs"]
mod questions;
#[path = "search_backend/sameness.rs"]
mod sameness;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quell_faults::Seed;
use quell_index::{
    BackendError, ContactSearch, IndexError, IndexSettings, IndexWriter, MAX_HITS, Scope,
    SearchBackend, SearchRequest, SearchResponse, Searcher, Sort, settled_record,
};
use quell_model::Contact;
use quell_model::contact::Maturity;
use quell_tests::binary::{get, replay, root, run};
use quell_tests::deployment::{Deployment, Worker};
use quell_tests::{search, shop, topics};
use serde_json::{Value, json};

use questions::{AGGREGATIONS, Corpus, HAND_WRITTEN, REQUESTS, filters};
use sameness::assert_same;

/// Questions that the grammar makes.
const GENERATED: usize = 400;
/// Events that go through the cluster, in so many partitions.
const EVENTS: usize = 900;
const PARTITIONS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);
/// Eight languages, calls and chats with turns, repeats, attributes.
const SCENARIO: &str = "
name: several languages
start: 2026-01-01T00:00:00Z
duration: 12d
contacts: 500
languages: {en: 3, zh: 2, hu: 2, hy: 1, ru: 2, de: 1}
dimensions: {region: {north: 1, south: 2}, app_version: {'66.0': 1, '67.0': 2, '67': 1}}
rate: {per_hour: 4}
";

/// A backend that is asked plainly.
struct Plain {
    url: String,
}

impl SearchBackend for Plain {
    fn search(&self, body: &Value) -> Result<Value, BackendError> {
        let url = format!("{}/_search?_source_excludes=body,turns,text,text_plain", self.url);
        Ok(search::ask("POST", &url, body.to_string().into_bytes()))
    }
}

/// The contacts of the samples and of a simulated shop, as the pipeline makes them.
fn contacts(dir: &Path) -> Vec<Contact> {
    let scenario = dir.join("scenario.yaml");
    std::fs::write(&scenario, SCENARIO).expect("it is written");
    let [scenario, made] = [scenario, dir.join("made")].map(|path| path.display().to_string());
    let simulated = run(&["simulate", "--seed", "11", "--scenario", &scenario, "--out", &made]);
    assert!(simulated.status.success(), "{}", String::from_utf8_lossy(&simulated.stderr));
    let events = format!("{made}/events.ndjson");
    let sumo = ["--adapter", "sumo", "--taxonomy", "taxonomies/firefox.yaml"];
    let slice = slice_of_sumo(dir);
    let inputs: [&[&str]; 3] =
        [&[&events], &["samples/mixed-languages.ndjson"], &[&sumo[..], &[&slice]].concat()];
    let mut contacts: BTreeMap<String, Contact> = BTreeMap::new();
    for (n, input) in inputs.iter().enumerate() {
        let files = replay(&dir.join(format!("replayed-{n}")), input);
        let (_, lines) = files.iter().find(|(name, _)| *name == "contacts.ndjson").expect("rows");
        contacts.extend(lines.lines().map(|line| {
            let contact: Contact = serde_json::from_str(line).expect("a contact");
            (contact.contact_key.as_str().to_owned(), contact)
        }));
    }
    contacts.into_values().collect()
}

/// The first tickets of the sample: enough words, without a long replay.
fn slice_of_sumo(dir: &Path) -> String {
    let sample = root().join("samples/sumo-2019-03-06.ndjson.zst");
    let mut lines = quell_worker::lines::Lines::open(&sample).expect("the sample is there");
    let mut slice = Vec::new();
    for _ in 0..600 {
        if let Some((_, line)) = lines.next_line().expect("a line") {
            slice.extend_from_slice(line);
            slice.push(b'\n');
        }
    }
    let path = dir.join("slice.ndjson");
    std::fs::write(&path, slice).expect("it is written");
    path.display().to_string()
}

fn index(dir: &Path, scope: Scope, contacts: &[&Contact]) -> (IndexWriter, Searcher) {
    let settings = IndexSettings { memory_bytes: 15_000_000, threads: 1, scope };
    let mut writer = IndexWriter::open(dir, settings).expect("an index");
    for contact in contacts {
        writer.upsert(contact).expect("it is taken");
    }
    writer.commit(1).expect("a commit");
    let searcher = writer.searcher().expect("a searcher");
    (writer, searcher)
}

fn validator(name: &str) -> jsonschema::Validator {
    let path = root().join(format!("schemas/{name}.schema.json"));
    let text = std::fs::read_to_string(&path).expect("the schema is there");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// What a record holds is what both schemas say, and nothing that neither of them describes.
fn assert_record(record: &Value) {
    let mut described = BTreeSet::new();
    for name in ["contact", "contact-settled"] {
        if let Some(error) = validator(name).iter_errors(record).next() {
            panic!("{name}: {error} at {} in {record}", error.instance_path());
        }
        let text = std::fs::read_to_string(root().join(format!("schemas/{name}.schema.json")));
        let schema: Value = serde_json::from_str(&text.expect("a schema")).expect("JSON");
        described.extend(schema["properties"].as_object().expect("properties").keys().cloned());
    }
    for member in record.as_object().expect("an object").keys() {
        assert!(described.contains(member), "{member} has no schema");
    }
}

fn mapping() -> Value {
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).expect("YAML");
    let index = search::exported(&["--what", "index"], read);
    assert_eq!(index["version"], "0.8");
    assert_eq!(index["index_id"], "quell-contacts");
    search::mapping(&index)
}

fn found(answer: &SearchResponse) -> BTreeSet<&str> {
    answer.hits.iter().map(|hit| hit.contact.contact_key.as_str()).collect()
}

/// Both are asked; true where the backend cannot be asked exactly that, and says so.
fn compared(whole: &Searcher, both: &ContactSearch, request: &SearchRequest) -> bool {
    let expected = whole.search(request).unwrap_or_else(|error| panic!("{request:?}: {error}"));
    let answer = match both.search(request) {
        Ok(answer) => answer,
        Err(IndexError::Request { part, problem }) if part == "search backend" => {
            assert!(problem.contains("ask for"), "it says what to do instead: {problem}");
            return true;
        }
        Err(error) => panic!("{request:?}: {error}"),
    };
    assert_eq!(answer.total, expected.total, "{request:?}");
    assert_eq!(found(&answer), found(&expected), "{request:?}");
    assert_eq!(answer.hits.len(), expected.hits.len(), "{request:?}");
    if request.sort == Sort::Newest {
        let times = |answer: &SearchResponse| -> Vec<_> {
            answer.hits.iter().map(|hit| hit.contact.occurred_at).collect()
        };
        assert_eq!(times(&answer), times(&expected), "{request:?}");
    }
    false
}

#[test]
fn two_places_answer_as_one_index() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let server = search::server(scratch, "search-backend");
    let dir = tempfile::tempdir().expect("a folder");
    let mut seed = Seed::new(3);
    let mut contacts = contacts(dir.path());
    for contact in &mut contacts {
        contact.maturity =
            if seed.below(10) < 7 { Maturity::Mature } else { Maturity::Provisional };
    }
    let is_settled = |contact: &&Contact| contact.maturity == Maturity::Mature;
    let settled: Vec<Value> = contacts
        .iter()
        .filter(is_settled)
        .map(|contact| serde_json::from_slice(&settled_record(contact)).expect("JSON"))
        .collect();
    settled.iter().step_by(40).for_each(assert_record);
    let url = format!("{}/quell-contacts", server.url());
    search::make(&url, &mapping());
    search::put(&url, &settled);
    let all: Vec<&Contact> = contacts.iter().collect();
    let open: Vec<&Contact> = contacts.iter().filter(|one| !is_settled(one)).collect();
    assert!(settled.len() > 500 && open.len() > 200, "{} and {}", settled.len(), open.len());
    let (_whole, whole) = index(&dir.path().join("whole"), Scope::All, &all);
    let (_part, part) = index(&dir.path().join("part"), Scope::Unsettled, &open);
    let both = ContactSearch::with_backend(part, Arc::new(Plain { url }));

    let mut questions: Vec<SearchRequest> = HAND_WRITTEN
        .iter()
        .map(|query| SearchRequest { query: Some((*query).to_owned()), ..Default::default() })
        .collect();
    let corpus = Corpus::new(&contacts);
    for _ in 0..GENERATED {
        let query = Some(corpus.question(&mut seed, 2));
        questions.push(SearchRequest { query, ..Default::default() });
    }
    questions.extend(filters());
    let (mut refused, mut empty, mut asked) = (Vec::new(), 0, 0);
    for (n, question) in questions.iter_mut().enumerate() {
        question.limit = MAX_HITS;
        question.sort = if n % 3 == 0 { Sort::Relevance } else { Sort::Newest };
        asked += 1;
        if compared(&whole, &both, question) {
            refused.push(question.query.clone().unwrap_or_default());
        }
        empty += usize::from(whole.search(question).is_ok_and(|answer| answer.total == 0));
    }
    for (limit, offset) in [(0, 0), (7, 0), (7, 7), (50, 333)] {
        let page = SearchRequest { limit, offset, ..Default::default() };
        let (expected, answer) = (whole.search(&page), both.search(&page));
        let (expected, answer) = (expected.expect("a page"), answer.expect("a page"));
        assert_eq!(answer.total, expected.total);
        let times = |answer: &SearchResponse| -> Vec<_> {
            answer.hits.iter().map(|hit| hit.contact.occurred_at).collect()
        };
        assert_eq!(times(&answer), times(&expected), "{limit} from {offset}");
    }
    println!("{asked} questions, {empty} without a hit, {} refused", refused.len());
    assert!(empty * 3 < asked, "the questions must find something: {empty} of {asked}");
    let is_exotic = |query: &String| query.contains(['~', '>']) || query.contains("attributes.n:");
    assert!(refused.iter().all(is_exotic), "{refused:?}");
    assert!(refused.len() * 6 < asked, "{} of {asked} refused", refused.len());

    forms(&whole, &both);
}

/// The Elasticsearch form: every kind of query and every aggregation.
fn forms(whole: &Searcher, both: &ContactSearch) {
    for request in REQUESTS {
        let mut body: Value = serde_json::from_str(request).expect(request);
        body["size"] = json!(MAX_HITS);
        let expected = whole.es_search(&body).unwrap_or_else(|error| panic!("{request}: {error}"));
        let answer = both.es_search(&body).unwrap_or_else(|error| panic!("{request}: {error}"));
        assert_eq!(answer["hits"]["total"], expected["hits"]["total"], "{request}");
        let ids = |answer: &Value| -> BTreeSet<String> {
            let hits = answer["hits"]["hits"].as_array().expect("hits");
            hits.iter().map(|hit| hit["_id"].to_string()).collect()
        };
        assert_eq!(ids(&answer), ids(&expected), "{request}");
        let shown = |answer: &Value| -> BTreeMap<String, Value> {
            let hits = answer["hits"]["hits"].as_array().expect("hits");
            hits.iter().map(|hit| (hit["_id"].to_string(), hit["_source"].clone())).collect()
        };
        assert_eq!(shown(&answer), shown(&expected), "{request}");
    }
    for query in ["{\"match_all\": {}}", "{\"match\": {\"text\": \"order\"}}"] {
        for aggs in AGGREGATIONS {
            let body = format!("{{\"size\": 0, \"query\": {query}, \"aggs\": {aggs}}}");
            let body: Value = serde_json::from_str(&body).expect(aggs);
            let expected = whole.es_search(&body).unwrap_or_else(|error| panic!("{aggs}: {error}"));
            let answer = both.es_search(&body).unwrap_or_else(|error| panic!("{aggs}: {error}"));
            assert_same(&answer["aggregations"], &expected["aggregations"], aggs);
        }
    }
    for (aggs, says) in [
        (json!({"p": {"percentiles": {"field": "csat"}}}), "put together"),
        (json!({"c": {"cardinality": {"field": "reason"}}}), "put together"),
        (json!({"a": {"avg": {"field": "attributes.n"}}}), "as words"),
        (json!({"t": {"terms": {"field": "reason", "include": "a.*"}}}), "give a list"),
        (json!({"t": {"terms": {"field": "reason", "size": 0}}}), "1 to"),
        (json!({"t": {"trems": {"field": "reason"}}}), "an object is expected|not supported"),
    ] {
        let error = both.es_search(&json!({"aggs": aggs})).expect_err("it is refused").to_string();
        assert!(says.split('|').any(|says| error.contains(says)), "{aggs}: {error}");
    }
}

#[test]
fn a_worker_answers_for_what_its_backend_read_from_the_topic() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut server = search::server(scratch, "search-backend-cluster");
    let (_own, brokers) = topics::given_or_own(scratch, "cluster-search-backend");
    let dir = tempfile::tempdir().expect("a folder");
    let deployment = Deployment::new(brokers, "backend", dir.path());
    deployment.make_topics(PARTITIONS);
    // Event time ends on 1 June: contacts of January can change no more, those of late May can.
    let mut lines = shop::events(EVENTS);
    let late = (0..40).map(|n| shop::opened(&format!("late {n}"), "2026-05-30"));
    lines.extend(late.collect::<Vec<_>>());
    let closing: Vec<String> =
        (0..PARTITIONS).map(|n| shop::opened(&format!("closing {n}"), "2026-06-02")).collect();
    let expected = replayed(dir.path(), &[&lines[..], &closing].concat());
    let is_settled = |contact: &&Contact| contact.maturity == Maturity::Mature;
    let settled = expected.iter().filter(is_settled).count();
    assert!(settled > 100 && expected.len() - settled > 40, "{settled} of {}", expected.len());

    let url = format!("{}/quell-contacts", server.url());
    search::make(&url, &mapping());
    let worker = deployment.worker("pipeline");
    topics::produce(&deployment.brokers, &deployment.input(), &lines);
    topics::produce_each(&deployment.brokers, &deployment.input(), &closing);
    let records = settled_records(&deployment, settled, &worker);
    records.iter().step_by(10).for_each(assert_record);
    search::put(&url, &records);
    let serving = deployment.serving("serving", &url);
    let at = serving.await_ready();

    assert_answers(&at, &expected, dir.path());
    let metrics = ureq::get(format!("{at}/metrics")).call().expect("metrics");
    let metrics = metrics.into_body().read_to_string().expect("text");
    let held = format!("quell_index_contacts {}", expected.len() - settled);
    assert!(metrics.contains(&held), "the index holds what is not settled: {metrics}");
    assert!(!metrics.contains("search_backend_requests_total{outcome=\"answered\"} 0"));

    server.kill();
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent: ureq::Agent = config.into();
    let mut answer = agent.get(format!("{at}/v1/search?q=order")).call().expect("an answer");
    assert_eq!(answer.status(), 502);
    let error: Value =
        serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON");
    assert_eq!(error["error"]["code"], "backend_failed", "{error}");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.contains("the search backend cannot be reached"), "{message}");
}

/// The contacts that a replay of the same events ends with.
fn replayed(dir: &Path, lines: &[String]) -> Vec<Contact> {
    let input = dir.join("events.ndjson");
    std::fs::write(&input, lines.join("\n")).expect("the input is written");
    let input = input.display().to_string();
    let files = replay(&dir.join("out"), &["--until", "2026-06-01T00:00:00Z", &input]);
    let (_, rows) = files.iter().find(|(name, _)| *name == "contacts.ndjson").expect("rows");
    rows.lines().map(|line| serde_json::from_str(line).expect("a contact")).collect()
}

/// The records of the topic, once there are so many; each contact is there once.
fn settled_records(deployment: &Deployment, count: usize, worker: &Worker) -> Vec<Value> {
    let topic = format!("{}contacts-settled", deployment.prefix);
    let begun = Instant::now();
    loop {
        let read = topics::read(&deployment.brokers, &topic);
        let keys: BTreeSet<&[u8]> = read.iter().map(|record| record.key.as_slice()).collect();
        assert_eq!(keys.len(), read.len(), "a contact is settled once");
        if read.len() >= count {
            assert_eq!(read.len(), count);
            let value = |record: topics::Read| record.value.expect("a value");
            let values = read.into_iter().map(value);
            return values.map(|value| serde_json::from_slice(&value).expect("JSON")).collect();
        }
        assert!(begun.elapsed() < PATIENCE, "{} of {count}: {}", read.len(), worker.log());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The worker's answers over HTTP are those of one index of the replay's contacts.
fn assert_answers(at: &str, expected: &[Contact], dir: &Path) {
    let all: Vec<&Contact> = expected.iter().collect();
    let (_writer, whole) = index(&dir.join("expected"), Scope::All, &all);
    let begun = Instant::now();
    while get(at, "/v1/search?limit=0")["total"] != expected.len() {
        assert!(begun.elapsed() < PATIENCE, "{}", get(at, "/v1/search?limit=0"));
        std::thread::sleep(Duration::from_millis(100));
    }
    for (query, written) in [
        ("order", "order"),
        ("\"charged twice\"", "%22charged%20twice%22"),
        ("arriv*", "arriv*"),
        ("-order", "-order"),
        ("occurred_at:2026-01-01", "occurred_at:2026-01-01"),
        ("repeat_any_reason:true", "repeat_any_reason:true"),
    ] {
        let request =
            SearchRequest { query: Some(query.to_owned()), limit: 5_000, ..Default::default() };
        let expected = whole.search(&request).expect(query);
        let answer = get(at, &format!("/v1/search?limit=5000&q={written}"));
        assert_eq!(answer["total"], expected.total, "{query}");
        let hits = answer["hits"].as_array().expect("hits");
        let shown: BTreeMap<String, &Value> =
            hits.iter().map(|hit| (hit["contact_key"].to_string(), hit)).collect();
        for hit in &expected.hits {
            let hit = serde_json::to_value(hit).expect("JSON");
            assert_eq!(shown.get(&hit["contact_key"].to_string()), Some(&&hit), "{query}");
        }
    }
    for aggs in AGGREGATIONS {
        let body = format!("{{\"size\": 0, \"aggs\": {aggs}}}");
        let answer = search::ask("POST", &format!("{at}/v1/contacts/_search"), body.clone().into());
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let expected = whole.es_search(&body).expect(aggs);
        assert_same(&answer["aggregations"], &expected["aggregations"], aggs);
    }
    let printed = run(&["search", "order", "--limit", "3", "--url", at, "--output", "json"]);
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(printed["hits"].as_array().map(Vec::len), Some(3), "{printed}");
    for contact in expected.iter().step_by(20) {
        let key = contact.contact_key.as_str().replace(' ', "%20").replace('/', "%2F");
        let shown = get(at, &format!("/v1/contacts/{key}"));
        assert_eq!(shown, serde_json::to_value(contact).expect("JSON"));
    }
}
