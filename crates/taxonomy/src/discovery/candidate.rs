//! What people see of a group.

use quell_model::time::DAY_MS;
use quell_model::{ReasonId, TimeMs};
use quell_text::Language;

use super::DiscoverySettings;
use super::background::{Shares, language_of};
use super::cluster::{CandidateId, Cluster, DAYS, Exemplar, Word};

/// Words shown of a candidate.
const MOST_SHOWN: usize = 8;
/// Words in a name.
const MOST_NAMED: usize = 4;
/// A telling word is used by at least this share of a candidate's customers …
const TELLING_SHARE: f64 = 0.2;
/// … and this many times as often as anywhere.
const TELLING_LIFT: f64 = 3.0;
/// A candidate has so many telling words: by one word alone people group anything.
const FEWEST_TELLING: usize = 2;
const WEEK: i64 = 7;
/// A candidate grows when its last week is so little chance, in nats.
const GROWS_NATS: f64 = 1.0;

/// A word of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateWord {
    /// As most of its customers wrote it, folded; two characters where there are no spaces.
    pub form: String,
    /// The share of its customers who used it, 0 to 1.
    pub share: f64,
    /// How many times as often as in other contacts of its main language.
    pub lift: f64,
}

/// A candidate reason: a theme that no reason fits, or a part of a reason, as of a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Given with its first contact; stays while it grows and when its name changes.
    pub id: CandidateId,
    /// The reason that most of its customers have; none of a theme that no reason fits.
    pub within: Option<ReasonId>,
    /// Customers by their weightiest reason, the most frequent first.
    pub reasons: Vec<(ReasonId, u32)>,
    /// Its most telling words in the order in which customers say them.
    pub name: String,
    /// Its most telling words, the strongest first.
    pub words: Vec<CandidateWord>,
    /// Contacts since it began.
    pub contacts: u64,
    /// Customers since it began; one who comes back after 64 others counts again.
    pub customers: u64,
    /// New customers in the last 7 days, today included.
    pub last_week: u64,
    /// New customers in the 21 days before those.
    pub three_weeks_before: u64,
    /// What its words say against its being chance: `Σ KL(q || p)` over its words times its
    /// customers of 28 days, in nats.
    pub evidence_nats: f64,
    /// Customers by language, the most frequent first.
    pub languages: Vec<(Language, u32)>,
    /// Contacts that show it well, the best first.
    pub exemplars: Vec<Exemplar>,
    /// Ids of groups that became part of it, the last first.
    pub absorbed: Vec<CandidateId>,
    /// When its first contact came.
    pub first: TimeMs,
    /// When its last contact came.
    pub last: TimeMs,
}

impl Candidate {
    /// Customers of 28 days.
    pub fn recent_customers(&self) -> u64 {
        self.last_week + self.three_weeks_before
    }

    /// The rate of new customers in the last week against the three before: 1 is steady. Half a
    /// customer is thought of on both sides, so that small numbers stay near 1.
    pub fn growth(&self) -> f64 {
        (self.last_week as f64 + 0.5) / (self.three_weeks_before as f64 / 3.0 + 0.5)
    }

    /// How little the last week can be chance if nothing changed since the three before: Poisson's
    /// log-likelihood ratio in nats, 0 where the rate did not rise.
    pub fn surge_nats(&self) -> f64 {
        let (found, growth) = (self.last_week as f64 + 0.5, self.growth());
        if growth > 1.0 { found * (libm::log(growth) - 1.0 + 1.0 / growth) } else { 0.0 }
    }
}

/// `shares_of` tells how often words are said anyway where a group is, in a language.
pub(super) fn candidates<'c>(
    clusters: impl Iterator<Item = &'c Cluster>,
    settings: &DiscoverySettings,
    now: TimeMs,
    shares_of: impl Fn(&Cluster, Language) -> Shares<'c>,
) -> Vec<Candidate> {
    let tomorrow = now.0.div_euclid(DAY_MS).saturating_add(1);
    let start = tomorrow.saturating_sub(DAYS as i64);
    let mut all: Vec<Candidate> = clusters
        .filter(|cluster| !cluster.dismissed)
        .filter(|cluster| cluster.customers_in(start..tomorrow) >= settings.fewest_customers)
        .filter_map(|cluster| view(cluster, tomorrow, &shares_of))
        .filter(|one| {
            one.surge_nats() >= GROWS_NATS
                || one.recent_customers() >= settings.fewest_customers.saturating_mul(2)
        })
        .collect();
    all.sort_by(|a, b| {
        b.surge_nats()
            .total_cmp(&a.surge_nats())
            .then(b.recent_customers().cmp(&a.recent_customers()))
            .then(a.first.cmp(&b.first))
            .then(a.id.cmp(&b.id))
    });
    all
}

fn view<'c>(
    cluster: &Cluster,
    tomorrow: i64,
    shares_of: &impl Fn(&Cluster, Language) -> Shares<'c>,
) -> Option<Candidate> {
    let mut languages: Vec<(Language, u32)> =
        cluster.languages.iter().map(|&(code, count)| (language_of(code), count)).collect();
    languages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let main = languages.first().map_or(Language::ANY, |first| first.0);
    let mut reasons = cluster.reasons.clone();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let shares = shares_of(cluster, main);
    let mut told: Vec<Told<'_>> =
        cluster.words.iter().filter_map(|word| Told::of(word, cluster, &shares)).collect();
    told.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.word.key.cmp(&b.word.key)));
    if told.len() < FEWEST_TELLING {
        return None;
    }
    let this_week = tomorrow.saturating_sub(WEEK);
    let last_week = cluster.customers_in(this_week..tomorrow);
    let start = tomorrow.saturating_sub(DAYS as i64);
    let three_weeks_before = cluster.customers_in(start..this_week);
    let customers = (last_week + three_weeks_before) as f64;
    Some(Candidate {
        id: cluster.id,
        within: cluster.within().cloned(),
        reasons,
        name: name(&told),
        evidence_nats: told.iter().map(|told| told.nats).sum::<f64>() * customers,
        words: told.iter().take(MOST_SHOWN).map(Told::shown).collect(),
        contacts: cluster.contacts,
        customers: cluster.customers,
        last_week,
        three_weeks_before,
        languages,
        exemplars: cluster.exemplars.clone(),
        absorbed: cluster.absorbed.clone(),
        first: cluster.born,
        last: cluster.last,
    })
}

/// A telling word and what it says.
struct Told<'c> {
    word: &'c Word,
    share: f64,
    lift: f64,
    /// `KL(share || share anywhere)`.
    nats: f64,
}

impl Told<'_> {
    fn of<'c>(word: &'c Word, cluster: &Cluster, shares: &Shares<'_>) -> Option<Told<'c>> {
        let weight = f64::from(cluster.weight);
        let share = if weight > 0.0 { f64::from(word.count) / weight } else { return None };
        let (q, p) = (share.clamp(1e-9, 1.0 - 1e-9), shares.share(word.key));
        let lift = q / p;
        // Versions and sizes come with any theme of their time.
        let is_number = word.form.starts_with(char::is_numeric);
        if q < TELLING_SHARE || lift < TELLING_LIFT || is_number {
            return None;
        }
        let nats = q * libm::log(lift) + (1.0 - q) * libm::log((1.0 - q) / (1.0 - p));
        Some(Told { word, share: share.min(1.0), lift, nats })
    }

    fn shown(&self) -> CandidateWord {
        CandidateWord { form: self.word.form.clone(), share: self.share, lift: self.lift }
    }
}

/// Telling words as they follow each other; pairs of characters that overlap are put together.
fn name(told: &[Told<'_>]) -> String {
    let mut name = String::new();
    for word in in_order(told.iter().take(MOST_NAMED).map(|told| told.word).collect()) {
        let mut chars = word.form.chars();
        let first = chars.next();
        let is_pair = chars.next().is_some_and(|c| !c.is_ascii()) && chars.next().is_none();
        if is_pair && first.is_some() && name.chars().last() == first {
            name.extend(word.form.chars().skip(1));
        } else {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&word.form);
        }
    }
    name
}

/// By their places, but one that follows another stands behind it.
fn in_order(mut words: Vec<&Word>) -> Vec<&Word> {
    words.sort_by(|a, b| a.place.total_cmp(&b.place).then(a.key.cmp(&b.key)));
    let follows = |word: &Word| words.iter().any(|other| other.next == word.key);
    let (inner, heads): (Vec<&Word>, Vec<&Word>) = words.iter().partition(|word| follows(word));
    let mut ordered: Vec<&Word> = Vec::new();
    for head in heads.into_iter().chain(inner) {
        let mut at = Some(head);
        while let Some(word) = at.filter(|word| ordered.iter().all(|known| known.key != word.key)) {
            ordered.push(word);
            at = words.iter().copied().find(|other| other.key == word.next);
        }
    }
    ordered
}
