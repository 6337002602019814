//! Where rule, model and agent say different things of the same contact.

use std::collections::{BTreeMap, BTreeSet};

use quell_model::{DecidedBy, ReasonId};
use serde::Serialize;

/// Confusions kept for each pair of witnesses.
const MOST_CONFUSIONS: usize = 20;
/// Reasons told apart in one table: what comes beyond is counted as one.
const MOST_REASONS: usize = 2_000;

/// One source's word on one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Whose.
    pub by: DecidedBy,
    /// The level-2 reason that it would give first.
    pub reason: ReasonId,
}

/// Contacts of which one source says one reason and the other another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The first source's reason.
    pub first: ReasonId,
    /// The second's.
    pub second: ReasonId,
    /// Contacts.
    pub contacts: u64,
}

/// How far two sources agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// One source.
    pub first: DecidedBy,
    /// The other.
    pub second: DecidedBy,
    /// Contacts of which both spoke.
    pub contacts: u64,
    /// Of those, the ones of which both said the same.
    pub agreed: u64,
    /// Cohen's kappa (1960): agreement beyond what the same shares of reasons give by chance; 1 is
    /// perfect, 0 is chance. None where chance alone would make it perfect. It falls with uneven
    /// shares even where sources are as good, so compare it with itself over time.
    pub kappa: Option<f64>,
    /// The most frequent disagreements, the most frequent first.
    pub confusions: Vec<Confusion>,
}

/// Compares all sources two by two. Memory is bounded by the pairs of reasons that occur.
#[derive(Default)]
pub struct Agreements {
    tables: BTreeMap<(DecidedBy, DecidedBy), Table>,
}

impl Agreements {
    /// Takes in what the sources said of one contact.
    pub fn add(&mut self, said: &[Witness]) {
        for (at, one) in said.iter().enumerate() {
            for other in said.iter().skip(at + 1).filter(|other| other.by != one.by) {
                let (first, second) = if one.by < other.by { (one, other) } else { (other, one) };
                self.tables.entry((first.by, second.by)).or_default().add(first, second);
            }
        }
    }

    /// Every pair of sources that spoke of one contact.
    pub fn all(self) -> Vec<Agreement> {
        let table = |((first, second), table): (_, Table)| table.agreement(first, second);
        self.tables.into_iter().map(table).collect()
    }
}

#[derive(Default)]
struct Table {
    numbers: BTreeMap<ReasonId, u32>,
    cells: BTreeMap<(u32, u32), u64>,
}

impl Table {
    fn add(&mut self, first: &Witness, second: &Witness) {
        let cell = (self.number(&first.reason), self.number(&second.reason));
        *self.cells.entry(cell).or_default() += 1;
    }

    fn number(&mut self, reason: &ReasonId) -> u32 {
        if let Some(number) = self.numbers.get(reason) {
            return *number;
        }
        let next = self.numbers.len();
        if next >= MOST_REASONS {
            return MOST_REASONS as u32;
        }
        self.numbers.insert(reason.clone(), next as u32);
        next as u32
    }

    fn agreement(self, first: DecidedBy, second: DecidedBy) -> Agreement {
        let contacts: u64 = self.cells.values().sum();
        let agreed = self.cells.iter().filter(|((a, b), _)| a == b).map(|(_, count)| count).sum();
        let names: BTreeMap<u32, &ReasonId> =
            self.numbers.iter().map(|(reason, number)| (*number, reason)).collect();
        let name = |number: u32| {
            names.get(&number).map_or_else(|| ReasonId::from("_other"), |reason| (*reason).clone())
        };
        let mut apart: Vec<(u64, u32, u32)> = self
            .cells
            .iter()
            .filter(|((a, b), _)| a != b)
            .map(|((a, b), count)| (*count, *a, *b))
            .collect();
        apart.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let confusions = apart.into_iter().take(MOST_CONFUSIONS);
        let confusions = confusions
            .map(|(contacts, a, b)| Confusion { first: name(a), second: name(b), contacts })
            .collect();
        let kappa = self.kappa(contacts, agreed);
        Agreement { first, second, contacts, agreed, kappa, confusions }
    }

    fn kappa(&self, contacts: u64, agreed: u64) -> Option<f64> {
        let (mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new());
        for ((row, column), count) in &self.cells {
            *rows.entry(*row).or_insert(0_u64) += count;
            *columns.entry(*column).or_insert(0_u64) += count;
        }
        let all = contacts as f64;
        let both: BTreeSet<&u32> = rows.keys().filter(|row| columns.contains_key(row)).collect();
        let chance: f64 =
            both.into_iter().map(|at| rows[at] as f64 / all * (columns[at] as f64 / all)).sum();
        (contacts > 0 && chance < 1.0).then(|| (agreed as f64 / all - chance) / (1.0 - chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by: DecidedBy, reason: &str) -> Witness {
        Witness { by, reason: ReasonId::from(reason) }
    }

    fn agreements<'a>(contacts: impl Iterator<Item = &'a [Witness]>) -> Vec<Agreement> {
        let mut found = Agreements::default();
        contacts.for_each(|said| found.add(said));
        found.all()
    }

    #[test]
    fn kappa_is_that_of_the_book() {
        // 20 both yes, 5 and 10 apart, 15 both no: agreement .7, chance .5.
        let mut contacts = Vec::new();
        for (first, second, times) in
            [("yes", "yes", 20), ("yes", "no", 5), ("no", "yes", 10), ("no", "no", 15)]
        {
            for _ in 0..times {
                contacts.push([said(DecidedBy::Model, second), said(DecidedBy::Rule, first)]);
            }
        }
        let found = agreements(contacts.iter().map(|one| &one[..]));
        assert_eq!(found.len(), 1);
        let only = &found[0];
        assert_eq!((only.first, only.second), (DecidedBy::Rule, DecidedBy::Model));
        assert_eq!((only.contacts, only.agreed), (50, 35));
        assert!((only.kappa.unwrap() - 0.4).abs() < 1e-12);
        let worst = &only.confusions[0];
        assert_eq!(
            (worst.first.as_str(), worst.second.as_str(), worst.contacts),
            ("no", "yes", 10)
        );
    }

    #[test]
    fn one_voice_is_no_agreement() {
        let alone = [said(DecidedBy::Rule, "a")];
        assert_eq!(agreements([&alone[..]].into_iter()), []);
        let same = [said(DecidedBy::Rule, "a"), said(DecidedBy::AgentCode, "a")];
        let found = agreements([&same[..]].into_iter());
        assert_eq!((found[0].agreed, found[0].kappa), (1, None));
    }

    #[test]
    fn three_sources_make_three_pairs_and_reasons_are_bounded() {
        let contacts: Vec<[Witness; 3]> = (0..3_000)
            .map(|n| {
                let own = format!("r.{n}");
                [
                    said(DecidedBy::Rule, &own),
                    said(DecidedBy::Model, "a.b"),
                    said(DecidedBy::AgentCode, &own),
                ]
            })
            .collect();
        let found = agreements(contacts.iter().map(|one| &one[..]));
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|one| one.contacts == 3_000 && one.confusions.len() <= 20));
    }
}
