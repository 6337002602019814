//! Golden pairs for every adapter: `NAME.in.json` is what the source sends, `NAME.out.json` the
//! canonical events. Set `QUELL_GOLDEN=write` to write the outputs anew, then read the diff.

use std::fs;
use std::path::{Path, PathBuf};

use quell_codec::{Adapter, Limits, RawRecord, decode, encode_event};
use serde_json::{Value, json};

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".in.json"))
        .collect();
    paths.sort();
    paths
}

fn run(adapter: &Adapter, path: &Path) -> Value {
    let bytes = fs::read(path).unwrap();
    let log_time = "2024-05-05T00:00:00Z".parse().unwrap();
    let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time };
    let decoded = decode(&record, adapter, &Limits::default())
        .unwrap_or_else(|reject| panic!("{}: {reject}", path.display()));
    let line = |event| serde_json::from_slice::<Value>(&encode_event(event)).unwrap();
    let unmapped = decoded.unmapped.iter().map(|u| json!([u.field, u.value]));
    json!({
        "events": decoded.events.iter().map(line).collect::<Vec<_>>(),
        "unmapped": unmapped.collect::<Vec<_>>(),
    })
}

#[test]
fn golden_pairs() {
    let write = std::env::var_os("QUELL_GOLDEN").is_some_and(|mode| mode == "write");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in Adapter::builtin_names() {
        let adapter = Adapter::builtin(name).unwrap();
        let paths = inputs(&folder.join(name));
        assert!(!paths.is_empty(), "{name} has no golden pair");
        for path in paths {
            let found = run(&adapter, &path);
            let golden = PathBuf::from(path.to_string_lossy().replace(".in.json", ".out.json"));
            if write {
                fs::write(&golden, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
            }
            let wanted: Value = serde_json::from_slice(&fs::read(&golden).unwrap()).unwrap();
            assert_eq!(found, wanted, "{}", golden.display());
        }
    }
}
