//! From YAML to a checked scenario.

use std::collections::BTreeMap;

use quell_model::event::Channel;
use serde_saphyr::{Location, Spanned};

use crate::phrases;
use crate::scenario::{Amount, Cause, Language, ReasonName, Scenario};

/// Dimensions are one byte each of a customer's profile.
pub(crate) const MAX_DIMENSIONS: usize = 8;
/// Values of one dimension: one byte.
const MAX_VALUES: usize = 200;
/// Room after the last planted edge case, so that all of it lies inside the run.
pub(crate) const EDGE_ROOM_MS: i64 = 3_600_000;

/// The scenario file is wrong; whoever wrote it has to change it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}\n  {hint}")]
pub struct ScenarioError {
    /// The file, as it was named to [`parse`].
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// Reads a scenario. `file` is only used to say where an error is.
pub fn parse(yaml: &str, file: &str) -> Result<Scenario, ScenarioError> {
    let mut scenario: Scenario = serde_saphyr::from_str(yaml).map_err(|error| ScenarioError {
        file: file.to_owned(),
        line: error.location().map_or(0, |at| at.line()),
        what: without_place(&error.without_snippet().to_string()).to_owned(),
        hint: "see docs/scenarios.md for every key, its unit and its range".to_owned(),
    })?;
    fill_defaults(&mut scenario);
    check(&scenario).map_err(|(at, what, hint)| ScenarioError {
        file: file.to_owned(),
        line: at.line(),
        what,
        hint: hint.to_owned(),
    })?;
    Ok(scenario)
}

/// The message alone: the place stands before it.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what)
}

type Problem = (Location, String, &'static str);

fn fill_defaults(scenario: &mut Scenario) {
    if scenario.reasons.is_empty() {
        let everywhere = phrases::reasons_in_every_language().unwrap_or_default();
        let names = everywhere.into_iter().map(|name| (ReasonName(name.to_owned()), Amount(1.0)));
        scenario.reasons = names.collect();
    }
    if scenario.languages.is_empty() {
        scenario.languages = BTreeMap::from([(Language("en".to_owned()), Amount(1.0))]);
    }
    if scenario.channels.is_empty() {
        scenario.channels = BTreeMap::from([
            (Channel::Email, Amount(0.35)),
            (Channel::Voice, Amount(0.25)),
            (Channel::Chat, Amount(0.2)),
            (Channel::WebForm, Amount(0.15)),
            (Channel::Messaging, Amount(0.05)),
        ]);
    }
    if scenario.chains.causes.is_empty() {
        scenario.chains.causes = Cause::ALL.into_iter().map(|cause| (cause, Amount(1.0))).collect();
    }
}

fn check(scenario: &Scenario) -> Result<(), Problem> {
    check_size(scenario)?;
    check_mixes(scenario)?;
    check_dimensions(scenario)?;
    for incident in &scenario.incidents {
        check_incident(scenario, incident)?;
    }
    check_edges(scenario)
}

fn check_size(scenario: &Scenario) -> Result<(), Problem> {
    let rate = &scenario.rate;
    let problem = |what: &str, hint| Err((rate.referenced, what.to_owned(), hint));
    if scenario.duration.is_none() && scenario.contacts.is_none() {
        return problem("the run has no end", "add `duration: 14d` or `contacts: 100000`");
    }
    if let Some(duration) = &scenario.duration
        && duration.value.0 == 0
    {
        let what = "duration is 0".to_owned();
        return Err((duration.referenced, what, "give a length such as 14d"));
    }
    match (rate.value.per_hour, rate.value.per_100, &scenario.volumes) {
        (Some(_), Some(_), _) | (None, None, _) => {
            problem("rate needs one of per_hour and per_100", "keep exactly one of the two")
        }
        (None, Some(_), None) => problem(
            "rate.per_100 is contacts per 100 units, but there are no volumes",
            "add a volumes section, or give rate.per_hour",
        ),
        (Some(Amount(mean)), ..) if mean <= 0.0 => {
            problem("rate.per_hour is 0, so nothing would happen", "give a number above 0")
        }
        (_, Some(Amount(per_100)), Some(volumes)) if per_100 * volumes.per_hour.0 <= 0.0 => {
            problem("rate.per_100 or volumes.per_hour is 0", "give numbers above 0")
        }
        _ => Ok(()),
    }
}

fn check_mixes(scenario: &Scenario) -> Result<(), Problem> {
    fn above_zero<'a>(mut shares: impl Iterator<Item = &'a Amount>) -> bool {
        shares.any(|share| share.0 > 0.0)
    }
    let mixes = [
        ("reasons", above_zero(scenario.reasons.values())),
        ("languages", above_zero(scenario.languages.values())),
        ("channels", above_zero(scenario.channels.values())),
        ("chains.causes", above_zero(scenario.chains.causes.values())),
    ];
    for (name, usable) in mixes {
        if !usable {
            let what = format!("every share of {name} is 0");
            return Err((scenario.rate.referenced, what, "give at least one a share above 0"));
        }
    }
    let at = scenario.rate.referenced;
    if scenario.customers.count == 0 || scenario.customers.count > 1 << 40 {
        let what = format!("customers.count is {}", scenario.customers.count);
        return Err((at, what, "give a number from 1 to a million million"));
    }
    if scenario.text.body_bytes > 1 << 20 {
        let what = format!("text.body_bytes is {}", scenario.text.body_bytes);
        return Err((at, what, "give at most 1048576 bytes"));
    }
    if scenario.chains.max_length < 2 || scenario.chains.max_length > 100 {
        let what = format!("chains.max_length is {}", scenario.chains.max_length);
        return Err((at, what, "give a number from 2 to 100; `share: 0` turns chains off"));
    }
    Ok(())
}

fn check_dimensions(scenario: &Scenario) -> Result<(), Problem> {
    let dimensions = &scenario.dimensions;
    let problem = |what: String, hint| Err((dimensions.referenced, what, hint));
    if dimensions.value.len() > MAX_DIMENSIONS {
        let what = format!("{} dimensions are too many", dimensions.value.len());
        return problem(what, "keep at most 8");
    }
    for (name, values) in &dimensions.value {
        if values.len() > MAX_VALUES || !values.values().any(|share| share.0 > 0.0) {
            let what = format!("dimension `{name}` needs 1 to {MAX_VALUES} values with a share");
            return problem(what, "write `name: {value: share, other: share}`");
        }
    }
    if let Some(by) = scenario.volumes.as_ref().and_then(|volumes| volumes.by.as_ref())
        && !dimensions.value.contains_key(&by.value)
    {
        let what = format!("volumes.by names `{}`, which is not a dimension", by.value);
        return Err((by.referenced, what, "name a key of `dimensions`"));
    }
    Ok(())
}

fn check_incident(
    scenario: &Scenario,
    incident: &Spanned<crate::scenario::Incident>,
) -> Result<(), Problem> {
    let at = incident.referenced;
    let incident = &incident.value;
    let problem = |what: String, hint| Err((at, what, hint));
    if !scenario.reasons.contains_key(&incident.reason) {
        let what = format!("incident `{}`: reason {} has no share", incident.id, incident.reason);
        return problem(what, "list the reason under `reasons`: an incident multiplies its rate");
    }
    if incident.peak.0 < 1.0 {
        let what = format!("incident `{}`: peak {} is below 1", incident.id, incident.peak.0);
        return problem(what, "give how many times the usual rate, for example 5");
    }
    if incident.ramp > incident.duration {
        let what = format!("incident `{}`: ramp is longer than duration", incident.id);
        return problem(what, "duration counts from the start and includes the ramp");
    }
    let same_id = scenario.incidents.iter().filter(|other| other.value.id == incident.id);
    if same_id.count() > 1 {
        return problem(format!("two incidents are called `{}`", incident.id), "rename one");
    }
    for (name, value) in &incident.segment {
        let known = scenario.dimensions.value.get(name).and_then(|values| values.get(value));
        if !known.is_some_and(|share| share.0 > 0.0) {
            let what = format!("incident `{}`: no dimension has {name}: {value}", incident.id);
            return problem(what, "name a dimension and one of its values with a share above 0");
        }
    }
    Ok(())
}

fn check_edges(scenario: &Scenario) -> Result<(), Problem> {
    let edges = &scenario.edges;
    let counts = &edges.value;
    if counts.window_exact + counts.window_exceeded + counts.same_instant == 0 {
        return Ok(());
    }
    let problem = |what: &str, hint| Err((edges.referenced, what.to_owned(), hint));
    if scenario.contacts.is_some() {
        return problem("edges need a run of known length", "replace `contacts` by `duration`");
    }
    let room = scenario.end_ms() - scenario.start.0 - scenario.repeat_window.0;
    if room <= 2 * EDGE_ROOM_MS {
        return problem(
            "edges need a duration longer than the repeat window by two hours",
            "raise `duration` or lower `repeat_window`",
        );
    }
    if [counts.window_exact, counts.window_exceeded, counts.same_instant]
        .iter()
        .any(|&n| n > 10_000)
    {
        return problem("more than 10000 edge cases of a kind", "give a smaller number");
    }
    Ok(())
}
