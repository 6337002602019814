//! How much personal data is missed and how much else is taken out, over lines in eight languages.

use std::collections::BTreeMap;

use quell_text::redact;

static LINES: &str = include_str!("data/redaction.tsv");
/// Thousandths of the personal items and of the other numbers.
const MOST_MISSED: u32 = 10;
const MOST_LOST: u32 = 10;

/// A line with its personal items and everything between them.
struct Line<'t> {
    language: &'t str,
    between: Vec<&'t str>,
    items: Vec<&'t str>,
}

impl<'t> Line<'t> {
    fn parse(line: &'t str) -> Option<Line<'t>> {
        let (language, text) = line.split_once('\t')?;
        let mut pieces = text.split("[[");
        let mut parsed = Line { language, between: vec![pieces.next()?], items: Vec::new() };
        for piece in pieces {
            let (item, after) = piece.split_once("]]")?;
            parsed.items.push(item);
            parsed.between.push(after);
        }
        Some(parsed)
    }

    fn text(&self) -> String {
        let mut text = self.between[0].to_owned();
        for (item, after) in self.items.iter().zip(&self.between[1..]) {
            text.push_str(item);
            text.push_str(after);
        }
        text
    }

    /// The numbers, codes and dates that must stay: words with a digit in them.
    fn kept(&self) -> impl Iterator<Item = &'t str> {
        let words = self.between.iter().flat_map(|text| text.split(char::is_whitespace));
        words
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
    }
}

/// Whether nothing telling of an item is left: no three letters or digits in a row of it, unless
/// the rest of the line holds them too.
fn is_gone(item: &str, line: &Line<'_>, redacted: &str) -> bool {
    let chars: Vec<char> = item.chars().collect();
    let rest = line.between.concat();
    chars.windows(3).all(|three| {
        let three: String = three.iter().collect();
        three.chars().any(|c| !c.is_alphanumeric())
            || rest.contains(&three)
            || !without_marks(redacted).contains(&three)
    })
}

fn without_marks(text: &str) -> String {
    text.split('⟨').map(|part| part.split_once('⟩').map_or(part, |(_, after)| after)).collect()
}

#[derive(Default)]
struct Score {
    items: u32,
    missed: u32,
    numbers: u32,
    lost: u32,
}

#[test]
fn personal_data_goes_and_other_numbers_stay() {
    let mut by_language: BTreeMap<&str, Score> = BTreeMap::new();
    let lines = LINES.lines().filter(|line| !line.starts_with('#'));
    for line in lines.map(|line| Line::parse(line).expect("a language, a tab, a text")) {
        let text = line.text();
        let redacted = redact(&text).text;
        let score = by_language.entry(line.language).or_default();
        for item in &line.items {
            score.items += 1;
            if !is_gone(item, &line, &redacted) {
                score.missed += 1;
                println!("missed {item}: {text} -> {redacted}");
            }
        }
        for word in line.kept() {
            score.numbers += 1;
            if !redacted.contains(word) {
                score.lost += 1;
                println!("lost {word}: {text} -> {redacted}");
            }
        }
    }
    let mut all = Score::default();
    for (language, score) in &by_language {
        let Score { items, missed, numbers, lost } = score;
        println!("{language}: {missed} of {items} missed, {lost} of {numbers} others lost");
        all.items += items;
        all.missed += missed;
        all.numbers += numbers;
        all.lost += lost;
    }
    let Score { items, missed, numbers, lost } = all;
    println!("all: {missed} of {items} missed, {lost} of {numbers} others lost");
    assert!(by_language.len() == 8 && items >= 200 && numbers >= 200, "the test set is there");
    assert!(missed * 1000 <= items * MOST_MISSED, "{missed} of {items} missed");
    assert!(lost * 1000 <= numbers * MOST_LOST, "{lost} of {numbers} other numbers lost");
}
