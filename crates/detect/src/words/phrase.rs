//! Words that nearly always come together, one directly behind the other, are one phrase: `add`
//! and `ons`, or the pairs of characters of a Chinese word.

use std::collections::{BTreeMap, BTreeSet};

use super::{Crowd, Finding, WordNo};

/// Words compared with each other: the strongest.
const MOST_JOINED: usize = 32;
/// Words of a phrase at most.
const LONGEST: usize = 5;
/// Of the people with either word, the part that has both.
const TOGETHER: f64 = 0.7;
/// Of the people with both, the part that writes one directly behind the other.
const ADJACENT: f64 = 0.6;

/// Joins what belongs together of findings of single words, the strongest first. A phrase is told
/// by the people who use all of its words.
pub fn join(
    told: Vec<Finding>,
    crowd: &Crowd,
    now: &[Vec<WordNo>],
    usual: &[Vec<WordNo>],
) -> Vec<Finding> {
    let strongest: Vec<WordNo> =
        told.iter().take(MOST_JOINED).flat_map(|one| one.words.iter().copied()).collect();
    let mut phrases = Vec::new();
    for words in chains(&strongest, now).into_iter().filter(|words| words.len() > 1) {
        let (people, usual_people) = (with_all(&words, now), with_all(&words, usual));
        phrases.extend(crowd.finding(words, people, usual_people));
    }
    let in_phrase: BTreeSet<WordNo> =
        phrases.iter().flat_map(|phrase| phrase.words.iter().copied()).collect();
    let is_alone = |one: &Finding| one.words.iter().all(|word| !in_phrase.contains(word));
    phrases.extend(told.into_iter().filter(is_alone));
    phrases
}

/// Every word once, in chains of those that follow each other.
fn chains(words: &[WordNo], people: &[Vec<WordNo>]) -> Vec<Vec<WordNo>> {
    let mut chains: Vec<Vec<WordNo>> = words.iter().map(|word| vec![*word]).collect();
    for (first, second) in followers(words, people) {
        let ends = chains.iter().position(|chain| chain.last() == Some(&first));
        let begins = chains.iter().position(|chain| chain.first() == Some(&second));
        let (Some(ends), Some(begins)) = (ends, begins) else { continue };
        if ends == begins || chains[ends].len() + chains[begins].len() > LONGEST {
            continue;
        }
        let tail = std::mem::take(&mut chains[begins]);
        chains[ends].extend(tail);
        chains.remove(begins);
    }
    chains
}

/// Pairs of words of which the second directly follows the first, in the order of `words`.
fn followers(words: &[WordNo], people: &[Vec<WordNo>]) -> Vec<(WordNo, WordNo)> {
    let places: BTreeMap<WordNo, usize> = words.iter().copied().zip(0..).collect();
    let mut having = vec![0_u64; words.len()];
    let mut both: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut behind: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for person in people {
        let own: Vec<Option<usize>> = person.iter().map(|word| places.get(word).copied()).collect();
        let distinct: Vec<usize> =
            own.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for (at, &low) in distinct.iter().enumerate() {
            having[low] += 1;
            for &high in distinct.get(at + 1..).unwrap_or_default() {
                *both.entry((low, high)).or_default() += 1;
            }
        }
        let direct: BTreeSet<(usize, usize)> =
            own.windows(2).filter_map(|two| Some((two[0]?, two[1]?))).collect();
        for pair in direct {
            *behind.entry(pair).or_default() += 1;
        }
    }
    let joined = behind.into_iter().filter(|&((first, second), behind)| {
        let pair = (first.min(second), first.max(second));
        let both = both.get(&pair).copied().unwrap_or(0);
        let either = having[first] + having[second] - both;
        both as f64 >= TOGETHER * either as f64 && behind as f64 >= ADJACENT * both as f64
    });
    joined.map(|((first, second), _)| (words[first], words[second])).collect()
}

/// People who use all the words.
fn with_all(words: &[WordNo], people: &[Vec<WordNo>]) -> u64 {
    let has_all = |person: &&Vec<WordNo>| words.iter().all(|word| person.contains(word));
    people.iter().filter(has_all).count() as u64
}
