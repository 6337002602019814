use super::*;
use crate::draws::Draws;

/// A vocabulary in which the word of place `n` comes as `1 / n`, as in any language (Zipf).
struct Speech {
    upto: Vec<f64>,
}

impl Speech {
    fn new(words: usize) -> Speech {
        let mut sum = 0.0;
        let weights = (1..=words).map(|place| 1.0 / (place as f64 + 5.0));
        let mut upto: Vec<f64> = weights.map(|weight| (sum += weight, sum).1).collect();
        upto.iter_mut().for_each(|part| *part /= sum);
        Speech { upto }
    }

    /// What one person writes: up to 24 different words.
    fn person(&self, draws: &mut Draws) -> Vec<WordNo> {
        let words = 4 + draws.below(21);
        let mut own = Vec::new();
        for _ in 0..words {
            let share = draws.share();
            let word = self.upto.partition_point(|upto| *upto < share) as WordNo;
            if !own.contains(&word) {
                own.push(word);
            }
        }
        own
    }

    fn people(&self, draws: &mut Draws, people: usize) -> Vec<Vec<WordNo>> {
        (0..people).map(|_| self.person(draws)).collect()
    }
}

/// Binomial coefficients by their products, in logarithms.
fn ln_ways(of: u64, some: u64) -> f64 {
    (0..some).map(|n| ((of - n) as f64 / (n + 1) as f64).ln()).sum()
}

fn slow_tail(held: u64, drawn: u64, marked: u64, all: u64) -> f64 {
    (held..=drawn.min(marked))
        .filter(|k| drawn - k <= all - marked)
        .map(|k| {
            (ln_ways(marked, k) + ln_ways(all - marked, drawn - k) - ln_ways(all, drawn)).exp()
        })
        .sum()
}

#[test]
fn a_tail_is_the_sum_of_its_terms() {
    for (drawn, marked, all) in [(12, 5, 60), (30, 40, 90), (7, 7, 7), (3, 50, 51), (40, 3, 44)] {
        for held in 0..=drawn.min(marked) {
            let (fast, slow) =
                (ln_at_least(held, drawn, marked, all), slow_tail(held, drawn, marked, all));
            let is_usual = held * all <= drawn * marked;
            assert!(
                if is_usual { fast == 0.0 } else { (fast.exp() - slow).abs() < 1e-9 },
                "{held} {drawn} {marked} {all}: {fast} {slow}"
            );
        }
    }
}

/// Each word by itself, counted person by person and judged by the formulas of the documents.
#[test]
fn findings_are_those_of_counting_by_hand() {
    let speech = Speech::new(400);
    let mut draws = Draws::new(3);
    for round in 0..20 {
        let usual = speech.people(&mut draws, 40 + 10 * round);
        let mut now = speech.people(&mut draws, 15 + round);
        for person in &mut now {
            if draws.below(2) == 0 {
                let place = draws.below(person.len());
                person.insert(place, 700);
                person.insert(0, 901 + draws.below(3) as WordNo);
            }
        }
        let has = |word: WordNo, people: &[Vec<WordNo>]| {
            people.iter().filter(|person| person.contains(&word)).count() as f64
        };
        let best = |word: WordNo| {
            let marked = (has(word, &now) + has(word, &usual)) as u64;
            let (n, all) = (now.len() as u64, (now.len() + usual.len()) as u64);
            if marked < 3 { 1.0 } else { slow_tail(marked.min(n), n, marked, all) }
        };
        let best: Vec<f64> = (0..1_000).map(best).collect();
        let could = |m: usize| best.iter().filter(|chance| **chance <= 0.05 / m as f64).count();
        let used = (1..1_000).find(|&m| could(m) <= m).unwrap_or(1_000);
        let mut expected = Vec::new();
        for word in 0..1_000 {
            let (k, n) = (has(word, &now), now.len() as f64);
            let (usual_k, usual_n) = (has(word, &usual), usual.len() as f64);
            let part = (usual_k + 0.5) / (usual_n + 1.0);
            let ratio = (k + 0.5) / (n + 1.0) / part;
            let spread =
                1.0 / (k + 0.5) - 1.0 / (n + 1.0) + 1.0 / (usual_k + 0.5) - 1.0 / (usual_n + 1.0);
            let low = (ratio.ln() - 1.96 * spread.sqrt()).exp();
            let carried = (k - 0.4 * n * part) / (0.6 * n);
            let tail = slow_tail(k as u64, n as u64, (k + usual_k) as u64, (n + usual_n) as u64);
            let chance = tail * used as f64;
            if k >= 3.0 && low >= 1.5 && carried >= 0.2 && chance <= 0.05 {
                expected.push((chance, word, low, carried));
            }
        }
        expected.sort_by(|a, b| a.0.total_cmp(&b.0));
        let found = words(&now, &usual, 0.4);
        assert!(found.iter().any(|one| one.words == [700]), "{found:#?}");
        assert_eq!(found.len(), expected.len());
        for (one, (chance, word, low, carried)) in found.iter().zip(expected) {
            assert_eq!(one.words, [word]);
            assert!((one.chance / chance - 1.0).abs() < 1e-6, "{one:?} {chance}");
            assert!(
                (one.ratio_low - low).abs() < 1e-9 && (one.excess_share - carried).abs() < 1e-9
            );
        }
    }
}

/// Rises of people who write as everyone did before: the rate that the documents state.
#[test]
fn a_rise_with_the_usual_words_tells_none() {
    let speech = Speech::new(3_000);
    let mut draws = Draws::new(11);
    let (mut told, worlds) = (0, 1_000);
    for world in 0..worlds {
        let usual = speech.people(&mut draws, [20, 60, 200, 600][world % 4]);
        let now = speech.people(&mut draws, [10, 25, 60, 150][world / 4 % 4]);
        let expected_part = [0.1, 0.4, 0.7][world % 3];
        told += usize::from(!words(&now, &usual, expected_part).is_empty());
    }
    println!("{told} of {worlds}");
    assert!(told <= 10, "{told} of {worlds} told a word");
}

#[test]
fn the_words_of_the_cause_come_first_and_as_phrases() {
    let speech = Speech::new(3_000);
    let mut draws = Draws::new(5);
    let usual = speech.people(&mut draws, 300);
    let mut now = speech.people(&mut draws, 40);
    for (n, person) in now.iter_mut().enumerate().filter(|(n, _)| n % 4 != 0) {
        person.insert(person.len().min(1), 9_002);
        person.insert(person.len().min(1), 9_001);
        if n % 2 == 0 {
            person.insert(0, 9_009);
        }
    }
    let found = words(&now, &usual, 0.3);
    let told: Vec<&[WordNo]> = found.iter().map(|one| one.words.as_slice()).collect();
    assert_eq!(told, [&[9_001, 9_002][..], &[9_009]], "{found:#?}");
    let phrase = &found[0];
    assert_eq!((phrase.people, phrase.of, phrase.usual_people, phrase.usual_of), (30, 40, 0, 300));
    assert!(phrase.ratio > 100.0 && phrase.expected == 0.0 && phrase.chance < 1e-20);
    assert!((phrase.excess_share - 30.0 / 28.0).abs() < 0.01, "{phrase:?}");
}

#[test]
fn nothing_is_told_of_few_people_or_without_a_past() {
    let two = vec![vec![1], vec![1], vec![2], vec![3]];
    let usual = vec![vec![5]; 500];
    assert!(words(&two, &usual, 0.0).is_empty());
    let all = vec![vec![1]; 30];
    assert!(words(&all, &[], 0.0).is_empty());
    assert!(words(&[], &usual, 0.0).is_empty());
    assert!(words(&all, &usual, 1.0).is_empty(), "no excess");
    assert_eq!(words(&all, &usual, 0.5).len(), 1);
}
