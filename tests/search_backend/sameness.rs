//! When two answers are the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// Said by one engine only where terms are in the order of their counts.
const ERROR: &str = "doc_count_error_upper_bound";

/// Fails where the answers differ. Numbers may differ in the last digits, since sums are taken in
/// another order; buckets of equal counts may stand in any order.
pub fn assert_same(answer: &Value, expected: &Value, what: &str) {
    if let Some(place) = difference(answer, expected, "") {
        panic!("{what}\n{place}");
    }
}

fn difference(answer: &Value, expected: &Value, at: &str) -> Option<String> {
    let differs = || Some(format!("{at}: {answer} instead of {expected}"));
    match (answer, expected) {
        (Value::Object(a), Value::Object(b)) => {
            if a.get(ERROR).is_some_and(|error| *error != 0) {
                return Some(format!("{at}: not exact: {answer}"));
            }
            let name = |name: &&String| *name != ERROR;
            if !a.keys().filter(name).eq(b.keys().filter(name)) {
                return differs();
            }
            let values = a.iter().filter(|(name, _)| *name != ERROR);
            values
                .into_iter()
                .find_map(|(name, value)| difference(value, &b[name], &format!("{at}/{name}")))
        }
        (Value::Array(a), Value::Array(b)) => {
            let (a, b) = (by_key(a), by_key(b));
            if !a.keys().eq(b.keys()) {
                return differs();
            }
            a.iter().find_map(|(name, value)| difference(value, b[name], &format!("{at}/{name}")))
        }
        (Value::Number(_), Value::Number(_)) => {
            let (a, b) = (answer.as_f64()?, expected.as_f64()?);
            if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) { None } else { differs() }
        }
        (a, b) if a == b => None,
        _ => differs(),
    }
}

fn by_key(buckets: &[Value]) -> BTreeMap<String, &Value> {
    let key = |bucket: &Value| match bucket["key"].as_f64() {
        Some(number) => number.to_string(),
        None => bucket["key"].to_string(),
    };
    buckets.iter().map(|bucket| (key(bucket), bucket)).collect()
}
