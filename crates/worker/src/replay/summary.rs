//! The summary of a replay: what came in, what came of it, and what stands out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use quell_engine::{Settings, Tally};
use quell_model::contact::{Contact, Standing};
use quell_model::issue::SystemicIssue;
use quell_model::{DEFINITION_VERSION, LatestOutputs, Output, RepeatMode, Verdict};

use super::{InputCounts, ReplayPlan};

/// A ratio with what it was made from; null where there is nothing to divide by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// What was counted.
    pub numerator: u64,
    /// Out of what.
    pub denominator: u64,
    /// Their ratio, to six digits; null on an empty denominator.
    pub value: Option<f64>,
}

impl Rate {
    /// `numerator` out of `denominator`.
    pub fn new(numerator: u64, denominator: u64) -> Rate {
        let ratio = numerator as f64 / denominator as f64;
        let value = (denominator > 0).then(|| (ratio * 1e6).round() / 1e6);
        Rate { numerator, denominator, value }
    }
}

/// One reason's line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ReasonLine {
    pub reason: String,
    /// Sum of weights.
    pub contacts: f64,
    pub customers: u64,
    pub repeats_same_reason: u64,
    pub cost_micros: i64,
}

/// The three rates of definitions.md 3.3, in one mode.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct RepeatRates {
    pub repeat_share: Rate,
    pub recontact_rate: Rate,
}

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub input: InputCounts,
    pub tally: BTreeMap<&'static str, u64>,
    /// Rows in `contacts.ndjson`.
    pub contacts: u64,
    pub contacts_by_standing: BTreeMap<String, u64>,
    pub contacts_without_customer: u64,
    pub contacts_by_language: BTreeMap<String, u64>,
    /// Contacts that no reason was found for, out of those that count.
    pub unclassified: Rate,
    /// Repeat links by mode.
    pub repeats: BTreeMap<&'static str, u64>,
    pub repeat_rates: BTreeMap<&'static str, RepeatRates>,
    pub repeat_customer_share: Rate,
    /// By contacts, then cost; never by handle time.
    pub reasons: Vec<ReasonLine>,
    pub issues: IssueCounts,
    /// Systemic issues, the largest excess first; those of all reasons together come last.
    pub systemic: Vec<SystemicIssue>,
    pub taxonomy_version: String,
    pub definition_version: &'static str,
    pub settings: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub timing: BTreeMap<&'static str, f64>,
}

/// Issues by verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct IssueCounts {
    pub systemic: u64,
    pub watch: u64,
}

impl Summary {
    pub(super) fn new(
        plan: &ReplayPlan,
        input: InputCounts,
        tally: &Tally,
        rows: &LatestOutputs,
    ) -> Summary {
        let mut sums = Sums::default();
        let mut followed: BTreeMap<RepeatMode, BTreeSet<&str>> = BTreeMap::new();
        let mut issues = Vec::new();
        for output in rows.iter() {
            match output {
                Output::Contact { contact: Some(contact), .. } => sums.contact(contact),
                Output::Repeat { report: Some(report), .. } => {
                    followed.entry(report.mode).or_default().insert(report.previous_key.as_str());
                }
                Output::Issue { issue: Some(issue), .. } => issues.push((**issue).clone()),
                _ => {}
            }
        }
        let (counts, systemic) = issue_lines(issues);
        let repeats = RepeatMode::ALL.map(|mode| (mode.as_str(), sums.links[mode as usize])).into();
        let repeat_rates = RepeatMode::ALL
            .map(|mode| {
                let followed = followed.get(&mode).map_or(0, BTreeSet::len) as u64;
                (mode.as_str(), sums.rates(mode, followed))
            })
            .into_iter()
            .collect();
        Summary {
            input,
            tally: tally.entries().into_iter().collect(),
            contacts: sums.rows,
            unclassified: Rate::new(sums.unclassified, sums.counted),
            repeat_customer_share: sums.repeat_customers(),
            reasons: sums.reason_lines(),
            contacts_by_standing: sums.by_standing,
            contacts_without_customer: sums.without_customer,
            contacts_by_language: sums.by_language,
            repeats,
            repeat_rates,
            issues: counts,
            systemic,
            taxonomy_version: plan.taxonomy.version().to_owned(),
            definition_version: DEFINITION_VERSION,
            settings: shown(&plan.settings, plan.lateness_ms),
            timing: BTreeMap::new(),
        }
    }
}

fn issue_lines(issues: Vec<SystemicIssue>) -> (IssueCounts, Vec<SystemicIssue>) {
    let mut counts = IssueCounts::default();
    let mut systemic = Vec::new();
    for issue in issues {
        if issue.verdict == Verdict::Systemic {
            counts.systemic += 1;
            systemic.push(issue);
        } else {
            counts.watch += 1;
        }
    }
    systemic.sort_by(SystemicIssue::largest_first);
    (counts, systemic)
}

fn shown(settings: &Settings, lateness_ms: Option<i64>) -> BTreeMap<String, String> {
    let seconds = |ms: i64| format!("{}s", ms / 1000);
    let own = if settings.override_reason_windows { " (for every reason)" } else { "" };
    BTreeMap::from([
        ("lateness".to_owned(), lateness_ms.map_or("unlimited".to_owned(), seconds)),
        ("repeat.window".to_owned(), seconds(settings.repeat_window_ms) + own),
        ("repeat.duplicate_window".to_owned(), seconds(settings.duplicate_window_ms)),
        ("taxonomy.accept_agent_codes".to_owned(), settings.accept_agent_codes.to_string()),
    ])
}

#[derive(Default)]
struct ReasonSum {
    weight: u64,
    customers: BTreeSet<String>,
    repeats_same_reason: u64,
    cost_micros: i64,
}

#[derive(Default)]
struct Sums {
    rows: u64,
    counted: u64,
    unclassified: u64,
    without_customer: u64,
    by_standing: BTreeMap<String, u64>,
    by_language: BTreeMap<String, u64>,
    links: [u64; 3],
    customers: BTreeMap<String, u64>,
    reasons: BTreeMap<String, ReasonSum>,
}

impl Sums {
    fn contact(&mut self, contact: &Contact) {
        self.rows += 1;
        let standing = serde_json::to_value(contact.standing).ok();
        let standing = standing.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        *self.by_standing.entry(standing).or_default() += 1;
        *self.by_language.entry(contact.language.clone()).or_default() += 1;
        self.without_customer += u64::from(contact.customer_id.is_none());
        for mode in RepeatMode::ALL {
            self.links[mode as usize] += u64::from(contact.repeat.get(mode).is_some());
        }
        if contact.standing != Standing::Counted {
            return;
        }
        self.counted += 1;
        if let Some(customer) = &contact.customer_id {
            *self.customers.entry(customer.clone()).or_default() += 1;
        }
        for tag in &contact.reasons {
            let reason = tag.reason.level2().0;
            self.unclassified += u64::from(reason == quell_model::UNCLASSIFIED);
            let sum = self.reasons.entry(reason).or_default();
            sum.weight += u64::from(tag.weight.0);
            let cost = i128::from(contact.cost_micros) * i128::from(tag.weight.0) / 1_000_000;
            sum.cost_micros += i64::try_from(cost).unwrap_or(i64::MAX);
            sum.repeats_same_reason += u64::from(contact.repeat.same_reason.is_some());
            sum.customers.extend(contact.customer_id.clone());
        }
    }

    /// Every linked contact counts, so that both rates have one basis.
    fn rates(&self, mode: RepeatMode, followed: u64) -> RepeatRates {
        let links = self.links[mode as usize];
        RepeatRates {
            repeat_share: Rate::new(links, self.counted),
            recontact_rate: Rate::new(followed, self.counted),
        }
    }

    fn repeat_customers(&self) -> Rate {
        let repeated = self.customers.values().filter(|&&contacts| contacts >= 2).count();
        Rate::new(repeated as u64, self.customers.len() as u64)
    }

    fn reason_lines(&self) -> Vec<ReasonLine> {
        let mut lines: Vec<ReasonLine> = self
            .reasons
            .iter()
            .map(|(reason, sum)| ReasonLine {
                reason: reason.clone(),
                contacts: sum.weight as f64 / 1e6,
                customers: sum.customers.len() as u64,
                repeats_same_reason: sum.repeats_same_reason,
                cost_micros: sum.cost_micros,
            })
            .collect();
        lines.sort_by(|a, b| {
            b.contacts
                .total_cmp(&a.contacts)
                .then_with(|| b.cost_micros.cmp(&a.cost_micros))
                .then_with(|| a.reason.cmp(&b.reason))
        });
        lines
    }
}
