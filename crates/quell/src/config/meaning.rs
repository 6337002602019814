//! What the values mean.

use std::collections::BTreeSet;

use quell_engine::Settings;
use quell_model::TimeMs;
use quell_taxonomy::Taxonomy;

use super::Config;

/// Milliseconds of `7d`, `12h`, `5m`, `30s` or `250ms`.
pub fn duration_ms(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(split);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(unit_ms)
}

/// Bytes of `256MiB`, `64KiB`, `1GiB` or a bare number.
pub fn bytes(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let unit_bytes = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit_bytes)
}

/// The starts of days such as `2026-12-25`, with commas between.
pub fn days(text: &str) -> Option<BTreeSet<TimeMs>> {
    let days = text.split(',').map(str::trim).filter(|day| !day.is_empty());
    days.map(|day| format!("{day}T00:00:00Z").parse().ok()).collect()
}

impl Config {
    /// A duration setting in milliseconds; its value was checked when it was said.
    pub fn ms(&self, key: &str) -> i64 {
        duration_ms(self.get(key)).unwrap_or(0)
    }

    /// A size setting in bytes.
    pub fn bytes(&self, key: &str) -> u64 {
        bytes(self.get(key)).unwrap_or(0)
    }

    /// The words of a setting of several.
    pub fn words(&self, key: &str) -> Vec<String> {
        let words = self.get(key).split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn count(&self, key: &str) -> u32 {
        self.get(key).parse().unwrap_or(1)
    }

    /// How long a live stream waits for late events.
    pub fn lateness_ms(&self) -> i64 {
        duration_ms(self.get("lateness")).unwrap_or(i64::MAX / 4)
    }

    /// How long a replay waits: for ever unless it was said.
    pub fn replay_lateness_ms(&self) -> Option<i64> {
        self.is_given("lateness").then(|| duration_ms(self.get("lateness"))).flatten()
    }

    /// The settings of the core.
    pub fn core(&self, taxonomy: &Taxonomy) -> Settings {
        let window_ms = self.ms("repeat.window");
        let overridden = self.is_given("repeat.window");
        let reasons = taxonomy.reasons().iter().filter_map(|reason| reason.repeat_window_ms);
        let longest = reasons.max().filter(|_| !overridden).unwrap_or(window_ms);
        let likeness: f64 = self.get("repeat.same_issue_likeness").parse().unwrap_or(0.25);
        let duplicate_window_ms = self.ms("repeat.duplicate_window");
        Settings {
            tenant: self.get("tenant").to_owned(),
            accept_agent_codes: self.get("taxonomy.accept_agent_codes") == "true",
            default_language: self.get("language.default").to_owned(),
            repeat_window_ms: window_ms,
            override_reason_windows: overridden,
            max_window_ms: longest.max(window_ms).max(duplicate_window_ms),
            duplicate_window_ms,
            same_issue_permille: (likeness * 1000.0).round() as u16,
            max_active_contacts: self.count("repeat.max_active_contacts") as usize,
            retention_ms: self.ms("retention"),
            dimensions: self.words("trend.dimensions"),
            cells: self.count("trend.cells") as usize,
            exposure_unit: self.get("trend.exposure_unit").to_owned(),
            holidays: days(self.get("trend.holidays")).unwrap_or_default(),
            max_dimension_values: self.count("trend.max_dimension_values"),
            ..Settings::default()
        }
    }
}
