use super::meaning::{bytes, days, duration_ms};
use super::*;

fn args(set: &[&str]) -> CoreArgs {
    CoreArgs {
        adapter: None,
        taxonomy: None,
        set: set.iter().map(|pair| (*pair).to_owned()).collect(),
        config: None,
    }
}

#[test]
fn durations_and_sizes_need_their_unit() {
    assert_eq!(duration_ms("7d"), Some(604_800_000));
    assert_eq!(duration_ms("250ms"), Some(250));
    for wrong in ["7", "d", "-1d", "1w", "1.5h", "", "99999999999999999d"] {
        assert_eq!(duration_ms(wrong), None, "{wrong}");
    }
    assert_eq!(bytes("256MiB"), Some(268_435_456));
    assert_eq!(bytes("1MB"), None);
}

#[test]
fn holidays_are_days_of_a_list_or_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quell.toml");
    std::fs::write(&path, "[trend]\nholidays = [2026-12-25, \"2026-12-26\"]\n").unwrap();
    let config = Config::load(&CoreArgs { config: Some(path), ..args(&[]) }).unwrap();
    let known: Vec<String> =
        days(config.get("trend.holidays")).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(known, ["2026-12-25T00:00:00Z", "2026-12-26T00:00:00Z"]);
    assert_eq!(days(""), Some(std::collections::BTreeSet::new()));
    let error = Config::load(&args(&["trend.holidays=2026-13-01"])).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("days such as 2026-12-25"), "{text}");
}

#[test]
fn every_default_is_of_its_kind() {
    for entry in CATALOGUE {
        assert_eq!(entry.kind.check(entry.default), Ok(()), "{}", entry.key);
    }
}

#[test]
fn keys_are_in_order() {
    assert!(CATALOGUE.windows(2).all(|pair| pair[0].key < pair[1].key));
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = Config::load(&args(&["repeat.windw=7d"])).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("there is no setting `repeat.windw`"), "{text}");
    assert!(text.contains("did you mean `repeat.window`?"), "{text}");
}

#[test]
fn a_wrong_value_says_what_is_expected() {
    let error = Config::load(&args(&["repeat.window=7"])).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("`repeat.window` cannot be `7`"), "{text}");
    assert!(text.contains("7d, 12h"), "{text}");
}

#[test]
fn a_file_is_checked_with_its_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quell.toml");
    std::fs::write(&path, "adapter = \"sumo\"\n\n[repeat]\nwindow = \"3d\"\nwrong = 1\n").unwrap();
    let error = Config::load(&CoreArgs { config: Some(path.clone()), ..args(&[]) }).err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("quell.toml:5: there is no setting `repeat.wrong`"), "{text}");
    std::fs::write(&path, "adapter = \"sumo\"\n[repeat]\nwindow = \"3d\"\n").unwrap();
    let args = CoreArgs { config: Some(path), ..args(&["repeat.window=2d"]) };
    let config = Config::load(&args).unwrap();
    assert_eq!(config.get("adapter"), "sumo");
    assert_eq!(config.get("repeat.window"), "2d", "the command line wins over the file");
}
