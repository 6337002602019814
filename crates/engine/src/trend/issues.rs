//! From what the detector says to the issues that are put out.

use serde::{Deserialize, Serialize};

use quell_detect::hourly::{Evidence, Issue};
use quell_detect::{DETECTOR_VERSION, thousandths, three_digits};
use quell_model::issue::{DimensionValue, EVERYTHING, WindowEvidence, issue_id};
use quell_model::{DEFINITION_VERSION, Output, ReasonId, SystemicIssue, UNCLASSIFIED, Verdict};

use super::hours::{HourNo, start_of};
use super::judge::{Look, Played, end_of};
use super::names::{DIMENSIONS, REASONS, VALUES};
use super::owner::Owner;
use super::{TREND_VERSION, Trend};
use crate::Effects;
use crate::state::{self, Scan, State, StateError, TREND_ISSUES};

/// An issue as last put out, and what the detector said of it.
#[derive(Serialize, Deserialize)]
struct IssueRow {
    life: Issue,
    issue: SystemicIssue,
}

/// What one look puts out.
struct Publishing<'a> {
    state: &'a mut dyn State,
    effects: &'a mut Effects,
    look: &'a Look,
    revision: u64,
}

impl Publishing<'_> {
    fn put_out(&mut self, issue_id: String, issue: Option<SystemicIssue>) {
        let (revision, issue) = (self.revision, issue.map(Box::new));
        self.effects.outputs.push(Output::Issue { issue_id, revision, issue });
    }
}

impl Trend {
    /// Puts out what a look changed: first what is no more, then what is.
    pub(super) fn publish(
        &mut self,
        state: &mut dyn State,
        look: &Look,
        revision: u64,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mut to = Publishing { state, effects, look, revision };
        // An hour that was played and did not open it again: the issue is no more.
        let end = if look.watches.is_some() { HourNo::MAX } else { look.to };
        self.withdraw(&mut to, Verdict::Systemic, (look.from, end), &look.issues)?;
        if let Some(watches) = &look.watches {
            self.withdraw(&mut to, Verdict::Watch, (0, HourNo::MAX), watches)?;
            self.announce(&mut to, Verdict::Watch, watches)?;
        }
        self.announce(&mut to, Verdict::Systemic, &look.issues)
    }

    fn withdraw(
        &mut self,
        to: &mut Publishing,
        verdict: Verdict,
        (from, end): (HourNo, HourNo),
        found: &Played,
    ) -> Result<(), StateError> {
        let first = row_key(verdict, from, Owner::All);
        let last = row_key(verdict, end, Owner::All);
        let scan = Scan { table: TREND_ISSUES, from: &first, to: &last, descending: false };
        for (key, row) in state::rows(to.state, scan, usize::MAX)? {
            let is_found = |(hour, owner): &(HourNo, Owner)| key == row_key(verdict, *hour, *owner);
            if !found.keys().any(is_found) {
                let row: IssueRow = state::decode(TREND_ISSUES, TREND_VERSION, &row)?;
                to.state.delete(TREND_ISSUES, &key);
                to.put_out(row.issue.issue_id, None);
            }
        }
        Ok(())
    }

    fn announce(
        &mut self,
        to: &mut Publishing,
        verdict: Verdict,
        found: &Played,
    ) -> Result<(), StateError> {
        for (&(hour, owner), life) in found {
            let reason = self.reason_of(to.state, owner)?;
            // No one can own "no reason was found"; a rise of it is a gap of the taxonomy.
            if reason.0 == UNCLASSIFIED {
                continue;
            }
            let key = row_key(verdict, hour, owner);
            let known: Option<IssueRow> = state::read(to.state, TREND_ISSUES, &key, TREND_VERSION)?;
            let is_same = known.as_ref().is_some_and(|known| known.life == *life);
            // Until its hours are behind, what explains an issue may differ though it does not.
            if is_same && life.closed.is_some_and(|closed| closed < to.look.from) {
                continue;
            }
            let issue = self.issue(to.state, reason, verdict, (owner, life), to.look.to)?;
            let is_news = known.is_none_or(|known| known.issue != issue);
            if is_news {
                to.put_out(issue.issue_id.clone(), Some(issue.clone()));
            }
            if is_news || !is_same {
                let row = IssueRow { life: *life, issue };
                state::write(to.state, TREND_ISSUES, &key, TREND_VERSION, &row);
            }
        }
        Ok(())
    }

    fn reason_of(&mut self, state: &mut dyn State, owner: Owner) -> Result<ReasonId, StateError> {
        match owner.reason() {
            None => Ok(EVERYTHING.into()),
            Some(id) => Ok(self.names.name(state, REASONS, id)?.into()),
        }
    }

    fn cell_of(
        &mut self,
        state: &mut dyn State,
        owner: Owner,
    ) -> Result<Option<DimensionValue>, StateError> {
        let Some((dimension, value)) = owner.pair() else { return Ok(None) };
        let value = self.names.name(state, VALUES + dimension, value)?.to_owned();
        let dimension = self.names.name(state, DIMENSIONS, dimension)?.to_owned();
        Ok(Some(DimensionValue { dimension, value }))
    }

    fn issue(
        &mut self,
        state: &mut dyn State,
        reason: ReasonId,
        verdict: Verdict,
        (owner, life): (Owner, &Issue),
        now: HourNo,
    ) -> Result<SystemicIssue, StateError> {
        let opened_at = start_of(life.opened);
        let last = life.closed.unwrap_or(now.saturating_sub(1)).max(life.opened);
        let (observed, expected) = match verdict {
            Verdict::Watch => (life.opening.observed, life.opening.expected),
            _ => (life.observed, life.expected),
        };
        let excess = observed - expected;
        let cell = self.cell_of(state, owner)?;
        let explained = self.explanation(state, owner, (life.onset, last), excess)?;
        let words = match verdict {
            Verdict::Systemic => {
                self.issue_words(state, owner.reason(), explained.hours, explained.expected_part)?
            }
            _ => Vec::new(),
        };
        Ok(SystemicIssue {
            issue_id: issue_id(&self.settings.tenant, &reason, opened_at, cell.as_ref()),
            reason,
            cell,
            verdict,
            opened_at,
            onset_at: start_of(life.onset),
            closed_at: life.closed.map(end_of),
            reopened: life.reopened,
            customers: observed.max(0.0).round() as u64,
            excess: thousandths(excess),
            explanation: explained.single,
            cause: explained.cause,
            words,
            evidence: evidence(life, self.settings.detector.false_per_week),
            detector_version: DETECTOR_VERSION.to_owned(),
            taxonomy_version: self.taxonomy_version.clone(),
            definition_version: DEFINITION_VERSION.to_owned(),
        })
    }
}

/// The window that said most when the issue opened.
fn evidence(life: &Issue, limit_per_week: f64) -> WindowEvidence {
    let Evidence { hours, high_hours, observed, expected, contacts, .. } = life.opening;
    let Evidence { ratio, ratio_low, ratio_high, dispersion, model_error, .. } = life.opening;
    let is_expected = expected >= 0.001;
    let ratio_of = |ratio: f64| is_expected.then(|| thousandths(ratio));
    WindowEvidence {
        window_start: start_of(life.onset),
        window_h: hours,
        high_h: high_hours,
        observed: observed.max(0.0).round() as u64,
        expected: thousandths(expected),
        ratio: ratio_of(ratio),
        ratio_low: ratio_of(ratio_low),
        ratio_high: ratio_of(ratio_high),
        dispersion: thousandths(dispersion),
        model_error: thousandths(model_error),
        contacts: contacts.max(0.0).round() as u64,
        chance_per_week: three_digits(life.chance_per_week),
        limit_per_week,
        baseline_h: life.baseline_h,
    }
}

/// Verdict, hour and owner, so that what opened since an hour lies together.
fn row_key(verdict: Verdict, hour: HourNo, owner: Owner) -> Vec<u8> {
    let mut key = vec![verdict as u8];
    key.extend_from_slice(&hour.to_be_bytes());
    let (dimension, value) = owner.pair().unzip();
    for id in [owner.reason(), dimension, value].into_iter().flatten() {
        key.extend_from_slice(&id.to_be_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use quell_model::TimeMs;

    use super::super::owner::ReasonPart;
    use super::*;

    #[test]
    fn rows_lie_in_order_of_their_hours() {
        let part = Owner::Part(ReasonPart { reason: 7, dimension: 1, value: 2 });
        let (all, one) = (Owner::All, Owner::Reason(7));
        let keys = [(1, all), (1, one), (1, part), (2, all), (300, Owner::Reason(0))]
            .map(|(hour, owner)| row_key(Verdict::Systemic, hour, owner));
        assert!(keys.is_sorted());
        assert!(row_key(Verdict::Watch, HourNo::MAX, part) < keys[0]);
        assert_eq!(start_of(72), TimeMs(0));
    }
}
