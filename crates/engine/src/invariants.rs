//! The invariants of the core, each with its number and one definition. Property tests,
//! simulations and counters in production use these same functions.

use std::collections::BTreeMap;

use quell_model::trend::{ALL, Granularity};
use quell_model::{LatestOutputs, Output, RepeatMode, Weight};

/// The number of an invariant in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Invariant {
    OnceEach = 1,
    AnyBatches = 2,
    CrashesDoNotShow = 3,
    EveryWayTheSame = 4,
    SumsConserve = 5,
    IndexIsTheContacts = 6,
    AnyPartitions = 7,
    AnyOrder = 8,
    NoPersonalDataOutside = 9,
    ErasedIsGone = 10,
}

/// An invariant that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was found.
    pub detail: String,
}

/// The final value per public id: what invariants compare. Removed ids are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finals(LatestOutputs);

impl Finals {
    /// Takes an output in; a lower revision of the same id is ignored.
    pub fn take(&mut self, output: Output) {
        self.0.take(output);
    }

    /// The final values, by topic and id; revisions are set to zero, since how often something
    /// changed on the way is no part of its value.
    pub fn values(&self) -> BTreeMap<(&'static str, String), Output> {
        self.0
            .iter()
            .filter(|output| !output.is_removal())
            .map(|output| {
                let id = (output.topic(), output.key().to_owned());
                (id, without_revision(output.clone()))
            })
            .collect()
    }

    /// Invariant 5: reports = links, contacts = sum over reasons of weights, cost likewise.
    ///
    /// # Errors
    /// [`Broken`] with the first difference.
    pub fn check_sums(&self) -> Result<(), Broken> {
        let mut links = 0_usize;
        let mut reports = 0_usize;
        let (mut contacts, mut cost_micros) = (0_i64, 0_i64);
        let (mut counted, mut counted_cost_micros) = (0_i64, 0_i64);
        for output in self.values().values() {
            match output {
                Output::Contact { contact: Some(contact), .. } => {
                    let modes = RepeatMode::ALL.iter();
                    links += modes.filter(|mode| contact.repeat.get(**mode).is_some()).count();
                    let weight: u32 = contact.reasons.iter().map(|tag| tag.weight.0).sum();
                    if weight != Weight::ONE.0 {
                        let detail = format!("weights of {} sum to {weight}", contact.contact_key);
                        return Err(broken(detail));
                    }
                    if contact.standing == quell_model::Standing::Counted {
                        contacts += i64::from(Weight::ONE.0);
                        cost_micros += contact.cost_micros;
                    }
                }
                Output::Repeat { report: Some(_), .. } => reports += 1,
                Output::Trend { row: Some(row), .. }
                    if row.dimension == ALL && row.granularity == Granularity::Day =>
                {
                    counted += row.contacts.0;
                    counted_cost_micros += row.cost_micros;
                }
                _ => {}
            }
        }
        if links != reports {
            return Err(broken(format!("{links} links and {reports} reports")));
        }
        if (contacts, cost_micros) != (counted, counted_cost_micros) {
            let detail = format!(
                "contacts {contacts} cost {cost_micros}, counted {counted} cost {counted_cost_micros}"
            );
            return Err(broken(detail));
        }
        Ok(())
    }
}

fn broken(detail: String) -> Broken {
    Broken { invariant: Invariant::SumsConserve, detail }
}

fn without_revision(mut output: Output) -> Output {
    match &mut output {
        Output::Contact { revision, .. }
        | Output::Repeat { revision, .. }
        | Output::Trend { revision, .. }
        | Output::Issue { revision, .. } => *revision = 0,
    }
    output
}
