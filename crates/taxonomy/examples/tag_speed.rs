//! Measures tagging on one core beside a plain split-and-hash loop, part by part:
//! `cargo run --release -p quell-taxonomy --example tag_speed -- TAXONOMY.yaml TEXTS`, where TEXTS
//! has a text a line. The last line is a digest of all tags: equal tags, equal digest.

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quell_taxonomy::{TagInput, TagSettings, Tagger, Taxonomy};
use quell_text::cues::CueReader;
use quell_text::redact::redact;
use quell_text::{Analysis, Analyzer, Detector, Language, split_into};

const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(600);

fn main() -> Result<(), String> {
    let mut args = std::env::args().skip(1);
    let (Some(taxonomy), Some(texts)) = (args.next(), args.next()) else {
        return Err("usage: tag_speed TAXONOMY.yaml TEXTS".to_owned());
    };
    let read = |path: &str| std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"));
    let parsed = Taxonomy::parse(&read(&taxonomy)?, &taxonomy);
    let parsed = parsed.map_err(|problems| format!("{taxonomy}: {} problems", problems.len()))?;
    let texts = read(&texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    println!("{} texts, {} bytes each", texts.len(), bytes / texts.len().max(1));

    let (mut analyzer, mut analysis) = (Analyzer::new(), Analysis::new());
    let detector = Detector::new(Language::EN);
    let mut cues = CueReader::new();
    let mut tagger = Tagger::new(Arc::new(parsed), TagSettings::default());
    let mut distinct = HashSet::new();
    measure("limit: split at blanks and hash", &texts, |text| {
        distinct.clear();
        distinct.extend(text.split_whitespace().map(fnv));
        distinct.len()
    });
    measure("redact", &texts, |text| redact(text).counts.total() as usize);
    measure("words, folded", &texts, |text| {
        split_into(text, &mut analysis);
        analysis.tokens.len()
    });
    measure("words, folded and stemmed", &texts, |text| {
        analyzer.analyze_into(Language::EN, text, &mut analysis);
        analysis.tokens.len()
    });
    measure("language", &texts, |text| usize::from(detector.detect(text, None).confidence));
    measure("words and cues", &texts, |text| cues.read(Language::EN, text).len());
    let mut tag = |text: &str| tagger.tag(&TagInput { body: Some(text), ..TagInput::default() });
    measure("tag: words, language, rules, cues", &texts, |text| tag(text).reasons.len());
    measure("redact and tag", &texts, |text| tag(&redact(text).text).reasons.len());

    let mut digest = blake3::Hasher::new();
    for text in &texts {
        digest.update(format!("{:?}\n", tag(&redact(text).text)).as_bytes());
    }
    println!("tags {}", digest.finalize());
    Ok(())
}

/// The quickest round: what the others add belongs to the machine's other work.
fn measure(what: &str, texts: &[&str], mut work: impl FnMut(&str) -> usize) {
    let mut round = || {
        let clock = Clock::start();
        let mut passes = 0;
        // The system counts processor time in steps of some milliseconds.
        while clock.started.elapsed() < ROUND {
            for text in texts {
                black_box(work(black_box(text)));
            }
            passes += 1;
        }
        clock.seconds() / f64::from(passes)
    };
    let seconds = (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
    let each_us = seconds * 1e6 / texts.len().max(1) as f64;
    println!("{what:<36} {:>10.0}/s {each_us:>9.2} us each", 1e6 / each_us);
}

fn fnv(word: &str) -> u64 {
    word.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// The thread's processor time where the system tells it, so that neighbours count less.
struct Clock {
    on_cpu_ns: Option<u64>,
    started: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock { on_cpu_ns: on_cpu_ns(), started: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        match (self.on_cpu_ns, on_cpu_ns()) {
            (Some(then), Some(now)) if now > then => (now - then) as f64 / 1e9,
            _ => self.started.elapsed().as_secs_f64(),
        }
    }
}

fn on_cpu_ns() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().filter(|ns| *ns > 0)
}
