//! Measures the learned tagger on one core, beside a plain split-and-hash loop:
//! `cargo run --release -p quell-taxonomy --example learned_eval -- ARGUMENTS`, which are
//! `TRAIN TEST [OTHER [SHOTS [VECTORS]]]`. TRAIN and TEST are NDJSON rows with `text`, `label`, and
//! perhaps `title` and `lang`; OTHER is the label of texts that belong to no reason (`-` for none);
//! SHOTS trains on so many texts of each label, with seeds 1 to 3 (`-` for all); VECTORS is a table
//! of word vectors. The last line is a digest of the model.

use std::collections::HashSet;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use quell_taxonomy::learned::{
    Example, Learned, Lessons, Part, TrainSettings, Trainer, VectorsBuilder, WordVectors, evaluate,
    few_of_each,
};
use quell_text::redact::redact;
use quell_text::{Detector, Language};
use serde_json::Value;

const ROUNDS: u32 = 5;

struct Row {
    texts: Vec<String>,
    language: Language,
    label: String,
}

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(train), Some(test)) = (args.first(), args.get(1)) else {
        return Err("usage: learned_eval TRAIN TEST [OTHER [SHOTS [VECTORS]]]".to_owned());
    };
    let other = args.get(2).filter(|other| *other != "-").cloned();
    let shots = args.get(3).filter(|shots| *shots != "-");
    let shots = shots.map(|shots| shots.parse::<usize>().map_err(|e| e.to_string())).transpose()?;
    let vectors = args.get(4).map(|path| word_vectors(path)).transpose()?.map(Arc::new);
    let (train, test) = (read(train)?, read(test)?);
    let test = examples(&test);
    for seed in 1..=if shots.is_some() { 3 } else { 1 } {
        let (other, vectors) = (other.clone(), vectors.clone());
        let settings = TrainSettings { other, seed, vectors, ..TrainSettings::default() };
        let mut taught = examples(&train);
        if let Some(shots) = shots {
            taught = few_of_each(taught, shots, seed);
        }
        measure(&taught, &test, &settings)?;
    }
    Ok(())
}

fn measure(
    taught: &[Example<'_>],
    test: &[Example<'_>],
    settings: &TrainSettings,
) -> Result<(), String> {
    let (begun, on_cpu) = (Instant::now(), cpu_s());
    let lessons = Trainer::new().lessons(taught, settings).map_err(|e| e.to_string())?;
    let read_s = cpu_s() - on_cpu;
    let model = learn(&lessons);
    let (wall_s, cpu_s_) = (begun.elapsed().as_secs_f64(), cpu_s() - on_cpu);
    let bytes = model.to_bytes();
    let model = Learned::from_bytes(&bytes).map_err(|e| e.to_string())?;
    let found = evaluate(&model, test);
    let shown = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.4}"));
    println!(
        "accuracy {} f1 {} accepted {} right {} rejected {} threshold {:.3}",
        shown(found.accuracy),
        shown(found.macro_f1),
        shown(found.coverage),
        shown(found.realised_precision),
        shown(found.rejected_out_of_scope),
        model.threshold()
    );
    println!(
        "{} texts in {wall_s:.2} s, {cpu_s_:.2} s on processors ({read_s:.2} s of it reading), \
         {} bytes",
        taught.len(),
        bytes.len()
    );
    let plain = quickest(|| {
        let mut distinct = HashSet::new();
        for text in test.iter().flat_map(|example| &example.texts) {
            distinct.clear();
            distinct.extend(text.split_whitespace().map(fnv));
            black_box(distinct.len());
        }
    });
    let asked = quickest(|| {
        black_box(evaluate(&model, test));
    });
    let each = |seconds: f64| test.len() as f64 / seconds;
    println!("split at blanks and hash {:.0}/s, tagged {:.0}/s", each(plain), each(asked));
    println!("model {}", model.hash());
    Ok(())
}

/// Two parts at the same time, as the program does it.
fn learn(lessons: &Lessons) -> Learned {
    let Ok(model) = lessons.learn(|parts, part| {
        Ok::<_, Infallible>(std::thread::scope(|scope| {
            let odd = scope.spawn(move || (1..parts).step_by(2).map(part).collect::<Vec<Part>>());
            let mut done: Vec<Part> = (0..parts).step_by(2).map(part).collect();
            done.extend(odd.join().unwrap_or_default());
            done
        }))
    });
    model
}

fn quickest(mut work: impl FnMut()) -> f64 {
    let mut round = || {
        let (begun, mut passes) = (cpu_s(), 0);
        while cpu_s() - begun < 0.5 {
            work();
            passes += 1;
        }
        (cpu_s() - begun) / f64::from(passes)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn read(path: &str) -> Result<Vec<Row>, String> {
    let detector = Detector::new(Language::EN);
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).map_err(|e| format!("{path}: {e}"))?;
        let texts = ["title", "text"].map(|name| row[name].as_str());
        let texts: Vec<String> =
            texts.into_iter().flatten().map(|text| redact(text).text.into_owned()).collect();
        let longest = texts.iter().max_by_key(|text| text.len()).map_or("", String::as_str);
        let language = row["lang"].as_str().and_then(Language::parse);
        let language = language.unwrap_or_else(|| detector.detect(longest, None).language);
        let label = row["label"].as_str().ok_or_else(|| format!("{path}: no label"))?.to_owned();
        Ok(Row { texts, language, label })
    };
    text.lines().filter(|line| !line.is_empty()).map(row).collect()
}

fn word_vectors(path: &str) -> Result<WordVectors, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let mut builder = VectorsBuilder::new();
    let read = text.lines().try_for_each(|line| builder.line(line));
    read.and_then(|()| builder.finish()).map_err(|e| format!("{path}: {e}"))
}

fn examples(rows: &[Row]) -> Vec<Example<'_>> {
    rows.iter()
        .map(|row| Example {
            texts: row.texts.iter().map(String::as_str).collect(),
            language: row.language,
            label: &row.label,
        })
        .collect()
}

fn fnv(word: &str) -> u64 {
    word.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// Processor time of all threads where the system tells it, so that neighbours count less.
fn cpu_s() -> f64 {
    static STARTED: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let of_threads = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let mut fields = stat.rsplit(')').next()?.split(' ');
        let user: f64 = fields.nth(12)?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some((user + system) / 100.0)
    };
    of_threads().unwrap_or_else(|| STARTED.get_or_init(Instant::now).elapsed().as_secs_f64())
}
