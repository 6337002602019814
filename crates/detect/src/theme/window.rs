//! The recent texts and how many customers used each word and each pair in them.

use std::collections::{BTreeMap, VecDeque};

/// Two words, the smaller first.
pub type Pair = (u64, u64);

/// What one text added to the counts of the window: what its customer had not yet said there.
#[derive(Clone, Debug)]
pub struct Vote {
    pub day: f64,
    pub words: Vec<u64>,
    pub pairs: Vec<Pair>,
    customer: u64,
}

/// Votes of the last days, one a customer for each word and pair.
#[derive(Clone, Debug, Default)]
pub struct Window {
    votes: VecDeque<Vote>,
    words: BTreeMap<u64, u32>,
    pairs: BTreeMap<Pair, u32>,
    /// Texts of each customer in the window.
    texts: BTreeMap<u64, u32>,
}

impl Window {
    /// Adds a text of distinct, sorted words and returns the pairs that its customer adds.
    pub fn add(&mut self, day: f64, customer: u64, words: &[u64]) -> Vec<Pair> {
        let mut new_words: Vec<u64> = words.to_vec();
        let mut new_pairs: Vec<Pair> = (0..words.len())
            .flat_map(|at| words[at + 1..].iter().map(move |&other| (words[at], other)))
            .collect();
        let known = self.texts.entry(customer).or_insert(0);
        if *known > 0 {
            for said in self.votes.iter().filter(|vote| vote.customer == customer) {
                new_words.retain(|word| said.words.binary_search(word).is_err());
                new_pairs.retain(|pair| said.pairs.binary_search(pair).is_err());
            }
        }
        *known += 1;
        for word in &new_words {
            *self.words.entry(*word).or_insert(0) += 1;
        }
        for pair in &new_pairs {
            *self.pairs.entry(*pair).or_insert(0) += 1;
        }
        let pairs = new_pairs.clone();
        self.votes.push_back(Vote { day, words: new_words, pairs: new_pairs, customer });
        pairs
    }

    /// Takes out the oldest vote if it is from before `day`, or if there are more than `most`.
    pub fn expire(&mut self, day: f64, most: usize) -> Option<Vote> {
        let oldest = self.votes.front()?;
        if oldest.day >= day && self.votes.len() <= most {
            return None;
        }
        let vote = self.votes.pop_front()?;
        for word in &vote.words {
            less(&mut self.words, word);
        }
        for pair in &vote.pairs {
            less(&mut self.pairs, pair);
        }
        less(&mut self.texts, &vote.customer);
        Some(vote)
    }

    /// Texts in the window.
    pub fn texts(&self) -> usize {
        self.votes.len()
    }

    /// Customers that used the word.
    pub fn word(&self, word: u64) -> u32 {
        self.words.get(&word).copied().unwrap_or(0)
    }

    /// Customers that used both words in one text.
    pub fn pair(&self, pair: Pair) -> u32 {
        self.pairs.get(&pair).copied().unwrap_or(0)
    }

    /// Words that came with this one, from all texts of the window, each once, ascending.
    pub fn companions(&self, word: u64) -> Vec<u64> {
        let with = self.votes.iter().flat_map(|vote| &vote.pairs);
        let mut found: Vec<u64> = with
            .filter_map(|&(a, b)| match word {
                _ if a == word => Some(b),
                _ if b == word => Some(a),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Takes one off a count, and the count out at zero.
fn less<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
