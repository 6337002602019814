//! Measures decoding on one core: `cargo run --release -p quell-codec --example decode_speed`.

use std::hint::black_box;
use std::time::Instant;

use quell_codec::{Adapter, Limits, RawRecord, decode};
use quell_model::TimeMs;

const BATCHES: u32 = 200;
const ROUNDS: u32 = 1000;

fn main() {
    let canonical = include_str!("../../../schemas/examples/contact-event/valid/opened-en.json");
    let mut plain: serde_json::Value = serde_json::from_str(canonical).unwrap_or_default();
    plain["contact"]["body"] =
        "I ordered ten days ago and the page has not moved. ".repeat(3).into();
    let wrapped = serde_json::json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": plain,
    });
    let question = include_str!("../tests/golden/sumo/exact-version-and-staff-labels.in.json");
    let question: serde_json::Value = serde_json::from_str(question).unwrap_or_default();
    for (name, adapter, document) in [
        ("canonical, plain", "canonical", plain),
        ("canonical in a CloudEvent", "canonical", wrapped),
        ("sumo", "sumo", question),
    ] {
        let Some(adapter) = Adapter::builtin(adapter) else { continue };
        let bytes = document.to_string().into_bytes();
        let log_time = TimeMs(1_714_867_200_000);
        let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time };
        // The quickest batch: what the others add belongs to the machine's other work.
        let mut micros = f64::INFINITY;
        for _ in 0..BATCHES {
            let started = Instant::now();
            for _ in 0..ROUNDS {
                let decoded = decode(black_box(&record), &adapter, &Limits::default());
                assert!(black_box(decoded).is_ok());
            }
            micros = micros.min(started.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
        }
        println!("{name}: {} bytes, {micros:.2} us/event", bytes.len());
    }
}
