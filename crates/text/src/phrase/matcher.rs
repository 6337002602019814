//! Finds all phrases in one analysed text. Only phrases whose rarest word is there are looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::compile::{Key, NUMBER};
use super::parse::Join;
use super::view::View;
use crate::analysis::Analysis;
use crate::hash::hash64;
use crate::language::Language;
use crate::segment::TokenKind;

/// Hits kept of one phrase in one text: enough to see past a few that are ruled out.
const MOST_HITS: u8 = 4;
/// Steps spent on one phrase in one text, whatever its length.
const MOST_STEPS_PER_TEXT: u32 = 1 << 18;

/// A phrase found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The phrase's number.
    pub phrase: u32,
    /// Whether a negator stands before it in its clause.
    pub negated: bool,
    /// Byte offset in the original where it starts.
    pub start: u32,
    /// Byte offset in the original where it ends.
    pub end: u32,
}

/// Memory that [`Matcher::find`] uses again.
#[derive(Default)]
pub struct Scratch {
    first: Vec<u32>,
    classes: Vec<u32>,
    /// Per class, the last turn that met it.
    present: Vec<u32>,
    seen: Vec<Seen>,
    turn: u32,
}

/// What became of a phrase in the text of a turn.
#[derive(Clone, Copy, Default)]
struct Seen {
    turn: u32,
    plain: u8,
    negated: u8,
    steps_left: u32,
}

/// All phrases of a set of rules, ready to be found.
pub struct Matcher {
    pub(super) tables: Vec<(Language, Table)>,
    pub(super) rest: Table,
    pub(super) phrases: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub variant: u32,
    pub phrase: u32,
    /// The phrase's rarest other class; its own where there is no other. Without it in the text
    /// the phrase need not be looked at.
    pub also: u32,
    pub group: u8,
    pub item: u8,
}

#[derive(Debug)]
pub(super) struct Variant {
    pub phrase: u32,
    pub groups: Vec<Vec<u32>>,
    pub joins: Vec<Join>,
}

/// The phrases of one language.
#[derive(Default)]
pub(super) struct Table {
    stems: FxHashMap<u64, Vec<u32>>,
    forms: FxHashMap<u64, Vec<u32>>,
    prefixes: FxHashMap<u64, Vec<u32>>,
    prefix_lengths: Vec<usize>,
    stem_filter: Filter,
    form_filter: Filter,
    prefix_filter: Filter,
    pub variants: Vec<Variant>,
    pub anchors: Vec<Vec<Anchor>>,
    /// Sequences in which a negator does not negate.
    pub exceptions: Vec<Vec<u32>>,
    /// Per class, the keys that deny what the others say.
    pub denials: BTreeMap<u32, Arc<[Key]>>,
}

impl Matcher {
    /// How many phrases there are.
    pub fn phrases(&self) -> usize {
        self.phrases
    }

    /// Whether a language has phrases of its own.
    pub fn knows(&self, language: Language) -> bool {
        self.tables.iter().any(|(known, _)| *known == language)
    }

    /// Appends every phrase found in a text, a few times each at most.
    pub fn find(&self, analysis: &Analysis, scratch: &mut Scratch, out: &mut Vec<Found>) {
        let table = self
            .tables
            .iter()
            .find(|(language, _)| *language == analysis.language)
            .map_or(&self.rest, |(_, table)| table);
        scratch.begin(self.phrases, table.anchors.len());
        let any = table.classify(analysis, scratch);
        if !any {
            return;
        }
        for &class in &scratch.classes {
            scratch.present[class as usize] = scratch.turn;
        }
        let Scratch { first, classes, present, seen, turn } = scratch;
        let view = View { table, analysis, tokens: &analysis.tokens, first, classes };
        for at in 0..view.tokens.len() {
            for &class in view.classes_at(at) {
                for anchor in &table.anchors[class as usize] {
                    if present[anchor.also as usize] != *turn {
                        continue;
                    }
                    let variant = &table.variants[anchor.variant as usize];
                    let seen = &mut seen[anchor.phrase as usize];
                    if seen.turn != *turn {
                        let steps_left = MOST_STEPS_PER_TEXT;
                        *seen = Seen { turn: *turn, steps_left, ..Seen::default() };
                    }
                    if seen.plain >= MOST_HITS || seen.steps_left == 0 {
                        continue;
                    }
                    let steps = &mut seen.steps_left;
                    let Some((from, to)) = view.matches(variant, anchor, at, steps) else {
                        continue;
                    };
                    let negated = view.negated(from) || view.denied(variant, (from, to));
                    let count = if negated { &mut seen.negated } else { &mut seen.plain };
                    if *count < MOST_HITS {
                        *count += 1;
                        out.push(Found {
                            phrase: anchor.phrase,
                            negated,
                            start: view.tokens[from].start,
                            end: view.tokens[to - 1].end,
                        });
                    }
                }
            }
        }
    }
}

impl Scratch {
    fn begin(&mut self, phrases: usize, classes: usize) {
        self.first.clear();
        self.classes.clear();
        if self.seen.len() < phrases || self.present.len() < classes || self.turn == u32::MAX {
            self.seen = vec![Seen::default(); phrases.max(self.seen.len())];
            self.present = vec![0; classes.max(self.present.len())];
            self.turn = 0;
        }
        self.turn += 1;
    }
}

impl Table {
    /// A table for so many classes.
    pub fn new(classes: usize, exceptions: Vec<Vec<u32>>) -> Self {
        Table { anchors: vec![Vec::new(); classes], exceptions, ..Table::default() }
    }

    /// Makes tokens that are `key` carry `class`.
    pub fn register(&mut self, key: &Key, class: u32) {
        let entry = match key {
            Key::Stem(hash) => self.stems.entry(*hash),
            Key::Form(hash) => self.forms.entry(*hash),
            Key::Prefix(prefix) => {
                if !self.prefix_lengths.contains(&prefix.len()) {
                    self.prefix_lengths.push(prefix.len());
                    self.prefix_lengths.sort_unstable();
                }
                self.prefix_filter.insert(prefix_start(prefix));
                self.prefixes.entry(hash64(prefix.as_bytes()))
            }
            Key::Number => return,
        };
        let classes = entry.or_default();
        if !classes.contains(&class) {
            classes.push(class);
        }
    }

    /// Fills the filters; nothing may be registered afterwards.
    pub fn finish(&mut self) {
        self.stems.keys().for_each(|hash| self.stem_filter.insert(*hash));
        self.forms.keys().for_each(|hash| self.form_filter.insert(*hash));
    }

    /// Notes the classes of every token. False when no token has any.
    fn classify(&self, analysis: &Analysis, scratch: &mut Scratch) -> bool {
        for token in &analysis.tokens {
            let from = scratch.classes.len();
            scratch.first.push(from as u32);
            if token.kind == TokenKind::Number {
                scratch.classes.push(NUMBER);
            }
            if self.stem_filter.may_hold(token.stem)
                && let Some(classes) = self.stems.get(&token.stem)
            {
                scratch.classes.extend_from_slice(classes);
            }
            if self.form_filter.may_hold(token.form)
                && let Some(classes) = self.forms.get(&token.form)
            {
                add_new(&mut scratch.classes, from, classes);
            }
            if token.kind == TokenKind::Word && !self.prefix_lengths.is_empty() {
                let form = analysis.form(token);
                if self.prefix_filter.may_hold(prefix_start(form)) {
                    self.add_prefixes(form.as_bytes(), from, &mut scratch.classes);
                }
            }
        }
        scratch.first.push(scratch.classes.len() as u32);
        !scratch.classes.is_empty()
    }

    fn add_prefixes(&self, form: &[u8], from: usize, out: &mut Vec<u32>) {
        for prefix in self.prefix_lengths.iter().map_while(|&length| form.get(..length)) {
            if let Some(classes) = self.prefixes.get(&hash64(prefix)) {
                add_new(out, from, classes);
            }
        }
    }
}

fn add_new(out: &mut Vec<u32>, from: usize, classes: &[u32]) {
    for &class in classes {
        if !out[from..].contains(&class) {
            out.push(class);
        }
    }
}

/// The first two bytes: every prefix has as many.
#[inline]
fn prefix_start(word: &str) -> u64 {
    match word.as_bytes() {
        [a, b, ..] => {
            (u64::from(*a) << 8 | u64::from(*b)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
        }
        [a] => u64::from(*a),
        [] => 0,
    }
}

/// Tells quickly that a hash is in no table.
struct Filter([u64; Filter::WORDS]);

impl Filter {
    const WORDS: usize = 512;

    fn insert(&mut self, hash: u64) {
        self.0[(hash as usize >> 6) % Self::WORDS] |= 1 << (hash & 63);
    }

    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        self.0[(hash as usize >> 6) % Self::WORDS] >> (hash & 63) & 1 == 1
    }
}

impl Default for Filter {
    fn default() -> Self {
        Filter([0; Self::WORDS])
    }
}
