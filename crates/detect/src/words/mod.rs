//! Words that the customers of an issue use more than is usual.
//!
//! Compared are people, not uses: of those who wrote in the hours of the issue the part with a
//! word, against that part of those who wrote before. With `k` of `n` people now and `K` of `N`
//! before, the chance of `k` or more is the upper tail of the hypergeometric distribution (Fisher's
//! exact test, 1935), which asks what Dunning's likelihood ratio (1993, Computational Linguistics
//! 19:61) asks, and is right for words of three people too. It is multiplied by the number of
//! words that could be told at all (Bonferroni, by Tarone's rule), so a rise whose people write as
//! usual tells a word no more often than that.
//!
//! What chance does not explain may still be too little to tell: the ratio of both parts must be
//! clearly above what a mood of the day gives, and the word must carry part of the excess.
//!
//! It fails where the words of a reason drift: what all write since last week is new against four
//! weeks and yet no word of this issue. A cause that people describe in a hundred ways has no word.
//! Words that were pasted by a form count as anyone's.

mod phrase;
mod tail;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tail::ln_at_least;

/// Words or phrases told of one issue, at most.
pub const MOST_WORDS: usize = 8;
/// A word of fewer people is told of nobody.
pub const LEAST_PEOPLE: u64 = 3;
/// The part of the excess that the people with a word must be.
const LEAST_EXCESS_SHARE: f64 = 0.2;
/// The lower end of a word's ratio.
const LEAST_RATIO: f64 = 1.5;
/// How often chance may give any word at all.
const MOST_CHANCE: f64 = 0.05;
/// Half the width of a 95 % interval, in standard deviations.
const Z_95: f64 = 1.96;

/// The number of a word. Equal evidence is told in the order of these.
pub type WordNo = u32;

/// A word, or words that nearly always come together, in the order in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// One, or those of a phrase.
    pub words: Vec<WordNo>,
    /// People of the issue who use all of them.
    pub people: u64,
    /// People of the issue.
    pub of: u64,
    /// People before who used all of them.
    pub usual_people: u64,
    /// People before.
    pub usual_of: u64,
    /// People expected to use them if the people of the issue wrote as usual:
    /// `of · usual_people / usual_of`.
    pub expected: f64,
    /// Part now over part before, with half a person more on both sides and one more in all:
    /// `(people + ½) / (of + 1) ÷ (usual_people + ½) / (usual_of + 1)`.
    pub ratio: f64,
    /// The lower end of its 95 % interval (normal in the logarithm, Katz et al. 1978).
    pub ratio_low: f64,
    /// The upper end.
    pub ratio_high: f64,
    /// The part of the excess that they are: people with the words, less those with them among the
    /// people who were expected anyway.
    pub excess_share: f64,
    /// How often chance gives any word with as much.
    pub chance: f64,
    /// Natural logarithm of the chance before it is multiplied: what they are ordered by.
    ln_tail: f64,
}

/// The words that tell the people of an issue from those before, what chance explains least first.
///
/// `now` and `usual` hold one list a person: the words in the order in which they were written,
/// repeats allowed. `expected_part` is the part of the people now who would have come anyway.
pub fn words(now: &[Vec<WordNo>], usual: &[Vec<WordNo>], expected_part: f64) -> Vec<Finding> {
    let crowd = Crowd {
        of: now.len() as u64,
        usual_of: usual.len() as u64,
        excess: now.len() as f64 * (1.0 - expected_part.clamp(0.0, 1.0)),
        looked_at: 0,
    };
    if crowd.excess <= 0.0 {
        return Vec::new();
    }
    let mut counts: BTreeMap<WordNo, (u64, u64)> = BTreeMap::new();
    for (word, people) in counted(now) {
        counts.entry(word).or_default().0 = people;
    }
    for (word, people) in counted(usual) {
        counts.entry(word).or_default().1 = people;
    }
    let crowd = Crowd { looked_at: crowd.tellable(counts.values()), ..crowd };
    let told = counts.iter().filter_map(|(&word, &(people, usual_people))| {
        crowd.finding(vec![word], people, usual_people)
    });
    let mut told: Vec<Finding> = told.collect();
    told.sort_by(Finding::strongest_first);
    let mut told = phrase::join(told, &crowd, now, usual);
    told.sort_by(Finding::strongest_first);
    told.truncate(MOST_WORDS);
    told
}

impl Finding {
    fn strongest_first(&self, other: &Finding) -> std::cmp::Ordering {
        self.ln_tail.total_cmp(&other.ln_tail).then_with(|| self.words.cmp(&other.words))
    }
}

/// The people that are compared.
struct Crowd {
    of: u64,
    usual_of: u64,
    /// People now above those expected.
    excess: f64,
    /// Words that chance could have made telling.
    looked_at: usize,
}

impl Crowd {
    /// The words that could be told at all, by how many people use them and not by whose they are:
    /// else chance has its pick. A word of three people may be too rare to be told even if all
    /// three are of the issue, and then it needs no share of the chance (Tarone 1990, Biometrics
    /// 46:515): the fewest `m` such that at most `m` words can have a chance below the limit / `m`.
    fn tellable<'a>(&self, counts: impl Iterator<Item = &'a (u64, u64)>) -> usize {
        let least = |&(people, usual_people): &(u64, u64)| {
            let marked = people + usual_people;
            let most = marked.min(self.of);
            (most >= LEAST_PEOPLE)
                .then(|| ln_at_least(most, self.of, marked, self.of + self.usual_of))
        };
        let mut least: Vec<f64> = counts.filter_map(least).collect();
        least.sort_by(f64::total_cmp);
        let tellable = |words: &usize| {
            let limit = (MOST_CHANCE / *words as f64).ln();
            least.partition_point(|ln_tail| *ln_tail <= limit) <= *words
        };
        (1..=least.len()).find(tellable).unwrap_or(1)
    }

    /// What is to tell of words that so many people used; none where it is too little.
    fn finding(&self, words: Vec<WordNo>, people: u64, usual_people: u64) -> Option<Finding> {
        let Crowd { of, usual_of, excess, looked_at } = *self;
        let (k, n) = (people as f64 + 0.5, of as f64 + 1.0);
        let (usual_k, usual_n) = (usual_people as f64 + 0.5, usual_of as f64 + 1.0);
        let usual_part = usual_k / usual_n;
        let ratio = k / n / usual_part;
        let variance = 1.0 / k - 1.0 / n + 1.0 / usual_k - 1.0 / usual_n;
        let width = (Z_95 * variance.max(0.0).sqrt()).exp();
        let excess_share = (people as f64 - (of as f64 - excess) * usual_part) / excess;
        if people < LEAST_PEOPLE || ratio / width < LEAST_RATIO || excess_share < LEAST_EXCESS_SHARE
        {
            return None;
        }
        let ln_tail = ln_at_least(people, of, people + usual_people, of + usual_of);
        let chance = (ln_tail + (looked_at.max(1) as f64).ln()).exp();
        (chance <= MOST_CHANCE).then(|| Finding {
            words,
            people,
            of,
            usual_people,
            usual_of,
            expected: of as f64 * usual_people as f64 / usual_of.max(1) as f64,
            ratio,
            ratio_low: ratio / width,
            ratio_high: ratio * width,
            excess_share,
            chance,
            ln_tail,
        })
    }
}

/// People by word, each once.
fn counted(people: &[Vec<WordNo>]) -> BTreeMap<WordNo, u64> {
    let mut counts = BTreeMap::new();
    for words in people {
        for word in words.iter().collect::<BTreeSet<_>>() {
            *counts.entry(*word).or_default() += 1;
        }
    }
    counts
}
