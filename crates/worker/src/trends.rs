//! Questions to the standing series: which reasons, how many contacts, compared with before.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use quell_model::trend::{
    ALL, Contacts, Granularity, TrendRow, trend_key_prefix, unescape_key_part,
};
use quell_model::{DEFINITION_VERSION, TimeMs};
use quell_store::{EmbeddedStore, StoreError};

use crate::replay::Rate;

/// What to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrendRequest {
    /// Reasons of level 2, `*` at the end standing for anything: `billing.*`. None: all.
    pub reason: Option<String>,
    /// Break down by this dimension.
    pub by: Option<String>,
    /// From this day on, inclusive; cut to the day.
    pub from: Option<TimeMs>,
    /// Up to this day, exclusive; cut to the day.
    pub to: Option<TimeMs>,
    /// Also count the period of the same length just before. Needs `from` and `to`.
    pub compare_previous: bool,
    /// Lines to return, the largest first; 0 for all.
    pub limit: usize,
}

/// Sums over a period. `customer_days` counts a customer once a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PeriodSums {
    pub contacts: Contacts,
    pub customer_days: u64,
    pub repeats_same_reason: Contacts,
    pub repeats_same_issue: Contacts,
    pub cost_micros: i64,
}

impl PeriodSums {
    fn add(&mut self, row: &TrendRow) {
        self.contacts += row.contacts;
        self.customer_days += row.customers;
        self.repeats_same_reason += row.repeats_same_reason;
        self.repeats_same_issue += row.repeats_same_issue;
        self.cost_micros += row.cost_micros;
    }
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TrendLine {
    pub reason: String,
    /// The dimension's value; `all` without a breakdown.
    pub value: String,
    #[serde(flatten)]
    pub sums: PeriodSums,
    /// The period before, where asked for.
    pub previous: Option<PeriodSums>,
    /// Contacts now minus contacts before.
    pub change: Option<Contacts>,
    /// `change / contacts before`; null where there were none before.
    pub change_ratio: Option<f64>,
}

/// The answer: ranked by contacts, then by cost. Never by handle time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TrendAnswer {
    pub by: String,
    pub from: Option<TimeMs>,
    pub to: Option<TimeMs>,
    pub previous_from: Option<TimeMs>,
    pub lines: Vec<TrendLine>,
    /// Lines before the limit.
    pub total_lines: usize,
    /// Contacts in windows whose numbers can still change, out of all contacts.
    pub provisional: Rate,
    pub taxonomy_version: Option<String>,
    pub definition_version: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TrendError {
    /// The question; it says what to write instead.
    #[error("{0}")]
    Request(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers from the `trends` table. Reads the rows of the answer, whatever the history.
///
/// # Errors
/// [`TrendError`]
pub fn trends(store: &EmbeddedStore, request: &TrendRequest) -> Result<TrendAnswer, TrendError> {
    let (from, to) = (request.from.map(TimeMs::day), request.to.map(ceil_day));
    let previous = previous_period(request, from, to)?;
    let dimension = request.by.as_deref().unwrap_or(ALL);
    let mut gather = Gather::default();
    for reason in parts_after(store, "")? {
        if !matches(request.reason.as_deref(), &reason) {
            continue;
        }
        // `reason` and `value` come from keys and are escaped already.
        let prefix = format!("{reason}|{}", trend_key_prefix(&[dimension]));
        for value in parts_after(store, &prefix)? {
            let prefix = format!("{prefix}{value}|{}|", Granularity::Day.as_str());
            gather.period(store, &prefix, from, to, false)?;
            if let Some(previous) = previous {
                gather.period(store, &prefix, Some(previous), from, true)?;
            }
        }
    }
    let mut lines = gather.lines(previous.is_some());
    let total_lines = lines.len();
    if request.limit > 0 {
        lines.truncate(request.limit);
    }
    Ok(TrendAnswer {
        by: dimension.to_owned(),
        from,
        to,
        previous_from: previous,
        lines,
        total_lines,
        provisional: Rate::new(gather.provisional.whole(), gather.contacts.whole()),
        taxonomy_version: gather.taxonomy_version,
        definition_version: DEFINITION_VERSION.to_owned(),
    })
}

fn ceil_day(time: TimeMs) -> TimeMs {
    let day = time.day();
    if day == time { day } else { day.plus_ms(Granularity::Day.length_ms()) }
}

fn previous_period(
    request: &TrendRequest,
    from: Option<TimeMs>,
    to: Option<TimeMs>,
) -> Result<Option<TimeMs>, TrendError> {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(TrendError::Request(format!("`from` ({from}) must lie before `to` ({to})")));
    }
    match (request.compare_previous, from, to) {
        (false, _, _) => Ok(None),
        (true, Some(from), Some(to)) => Ok(Some(from.plus_ms(-to.since_ms(from)))),
        (true, _, _) => Err(TrendError::Request(
            "comparing with the previous period needs both `from` and `to`".to_owned(),
        )),
    }
}

fn matches(pattern: Option<&str>, reason: &str) -> bool {
    match pattern.map(|pattern| (pattern, pattern.strip_suffix('*'))) {
        None => true,
        Some((_, Some(start))) => unescape_key_part(reason).starts_with(start),
        Some((pattern, None)) => unescape_key_part(reason) == pattern,
    }
}

/// The distinct parts that follow a prefix in the table's keys, up to the next bar. Leaps from
/// one to the next without reading what lies between.
fn parts_after(store: &EmbeddedStore, prefix: &str) -> Result<Vec<String>, StoreError> {
    let mut parts = Vec::new();
    let mut from = prefix.to_owned();
    loop {
        let mut found = None;
        store.scan_outputs("trends", &from, None, &mut |key, _, _| {
            let rest = key.strip_prefix(prefix);
            found = rest.and_then(|rest| rest.split_once('|')).map(|(part, _)| part.to_owned());
            ControlFlow::Break(())
        })?;
        let Some(part) = found else { return Ok(parts) };
        // The character after the bar: the first key that does not begin with this part.
        from = format!("{prefix}{part}}}");
        parts.push(part);
    }
}

#[derive(Default)]
struct Gather {
    lines: BTreeMap<(String, String), (PeriodSums, PeriodSums)>,
    contacts: Contacts,
    provisional: Contacts,
    taxonomy_version: Option<String>,
}

impl Gather {
    fn period(
        &mut self,
        store: &EmbeddedStore,
        prefix: &str,
        from: Option<TimeMs>,
        to: Option<TimeMs>,
        is_previous: bool,
    ) -> Result<(), StoreError> {
        let first = from.map_or(prefix.to_owned(), |from| format!("{prefix}{from}"));
        let last = to.map_or(format!("{prefix}~"), |to| format!("{prefix}{to}"));
        store.scan_outputs("trends", &first, Some(&last), &mut |_, _, json| {
            if let Ok(row) = serde_json::from_slice::<TrendRow>(json) {
                self.row(row, is_previous);
            }
            ControlFlow::Continue(())
        })
    }

    fn row(&mut self, row: TrendRow, is_previous: bool) {
        let slot = self.lines.entry((row.reason.0.clone(), row.value.clone())).or_default();
        if is_previous {
            slot.1.add(&row);
            return;
        }
        slot.0.add(&row);
        self.contacts += row.contacts;
        if row.maturity == quell_model::contact::Maturity::Provisional {
            self.provisional += row.contacts;
        }
        self.taxonomy_version = self.taxonomy_version.take().max(Some(row.taxonomy_version));
    }

    fn lines(&self, compared: bool) -> Vec<TrendLine> {
        let mut lines: Vec<TrendLine> = self
            .lines
            .iter()
            .map(|((reason, value), (sums, previous))| {
                let change = compared.then_some(sums.contacts - previous.contacts);
                let ratio = change.filter(|_| previous.contacts > Contacts(0));
                TrendLine {
                    reason: reason.clone(),
                    value: value.clone(),
                    sums: *sums,
                    previous: compared.then_some(*previous),
                    change,
                    change_ratio: ratio
                        .map(|change| change.as_f64() / previous.contacts.as_f64())
                        .map(|ratio| (ratio * 1e4).round() / 1e4),
                }
            })
            .collect();
        lines.sort_by(|a, b| {
            b.sums
                .contacts
                .cmp(&a.sums.contacts)
                .then_with(|| b.sums.cost_micros.cmp(&a.sums.cost_micros))
                .then_with(|| (&a.reason, &a.value).cmp(&(&b.reason, &b.value)))
        });
        lines
    }
}
