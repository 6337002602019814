//! Words near each other: "a, then at most four words further b, in any order".
//!
//! The engine's own phrase query with slop knows one term per place and shares one slop over all
//! places. Here a place has alternatives (the stems of several languages, a phrase of Han
//! characters) and every gap has its own limit. The documents that hold all places come from an
//! inner query, which also scores; this one reads their positions.

use std::sync::Arc;

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption, Term};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED};

/// Terms that stand at these distances from the first one.
pub(crate) type Sequence = Vec<(u32, Term)>;

/// How far the next place may be from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The most words from the end of one to the start of the other; neighbours are 1 apart.
    pub max: u32,
    /// The next place must come after.
    pub ordered: bool,
}

/// Documents in which all places stand near each other.
#[derive(Clone, Debug)]
pub(crate) struct NearQuery {
    pub(crate) field: Field,
    /// Each place is any one of its sequences.
    pub(crate) places: Vec<Vec<Sequence>>,
    /// The gaps between the places: one fewer than places.
    pub(crate) gaps: Vec<Gap>,
    /// Documents that hold every place somewhere, and their score.
    pub(crate) holding_all: Arc<dyn Query>,
}

impl Query for NearQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(NearWeight {
            field: self.field,
            places: self.places.clone(),
            gaps: self.gaps.clone(),
            holding_all: self.holding_all.weight(scoring)?,
        }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        for (_, term) in self.places.iter().flatten().flatten() {
            visitor(term, true);
        }
    }
}

struct NearWeight {
    field: Field,
    places: Vec<Vec<Sequence>>,
    gaps: Vec<Gap>,
    holding_all: Box<dyn Weight>,
}

impl Weight for NearWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let holding_all = self.holding_all.scorer(reader, boost)?;
        let inverted = reader.inverted_index(self.field)?;
        let mut terms: Vec<&Term> =
            self.places.iter().flatten().flatten().map(|(_, term)| term).collect();
        terms.sort_unstable();
        terms.dedup();
        let mut readers = Vec::with_capacity(terms.len());
        for term in &terms {
            let postings =
                inverted.read_postings(term, IndexRecordOption::WithFreqsAndPositions)?;
            readers.push(TermPositions { postings, positions: Vec::new() });
        }
        let index_of = |term: &Term| terms.binary_search(&term).unwrap_or_default();
        let sequence_of = |sequence: &Sequence| {
            sequence.iter().map(|(offset, term)| (*offset, index_of(term))).collect()
        };
        let places =
            self.places.iter().map(|place| place.iter().map(sequence_of).collect()).collect();
        let mut scorer = NearScorer { holding_all, readers, places, gaps: self.gaps.clone() };
        scorer.go_to_match();
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.holding_all.explain(reader, doc)
    }
}

struct TermPositions {
    postings: Option<SegmentPostings>,
    positions: Vec<u32>,
}

impl TermPositions {
    fn read(&mut self, doc: DocId) {
        self.positions.clear();
        if let Some(postings) = &mut self.postings {
            if postings.doc() < doc {
                postings.seek(doc);
            }
            if postings.doc() == doc {
                postings.positions(&mut self.positions);
            }
        }
    }
}

struct NearScorer {
    holding_all: Box<dyn Scorer>,
    readers: Vec<TermPositions>,
    places: Vec<Vec<Vec<(u32, usize)>>>,
    gaps: Vec<Gap>,
}

impl NearScorer {
    fn go_to_match(&mut self) -> DocId {
        loop {
            let doc = self.holding_all.doc();
            if doc == TERMINATED || self.matches(doc) {
                return doc;
            }
            self.holding_all.advance();
        }
    }

    fn matches(&mut self, doc: DocId) -> bool {
        for reader in &mut self.readers {
            reader.read(doc);
        }
        let mut places = self.places.iter().map(|place| self.spans(place));
        let Some(mut reached) = places.next() else { return false };
        for (gap, spans) in self.gaps.iter().zip(places) {
            reached = reachable(&reached, spans, *gap);
        }
        !reached.is_empty()
    }

    /// Where a place stands in the current document, as (first, last) positions in order.
    fn spans(&self, place: &[Vec<(u32, usize)>]) -> Vec<(u32, u32)> {
        let mut spans = Vec::new();
        for sequence in place {
            let Some((&(_, first), rest)) = sequence.split_first() else { continue };
            let length = sequence.last().map_or(0, |(offset, _)| *offset);
            let holds = |start: u32| {
                rest.iter().all(|(offset, term)| {
                    self.readers[*term].positions.binary_search(&(start + offset)).is_ok()
                })
            };
            let starts = self.readers[first].positions.iter().copied();
            spans.extend(starts.filter(|&at| holds(at)).map(|at| (at, at + length)));
        }
        spans.sort_unstable();
        spans.dedup();
        spans
    }
}

/// The spans of the next place that stand near enough to one already reached. Spans that overlap
/// are not near each other: `very ~ very` needs the word twice.
fn reachable(reached: &[(u32, u32)], spans: Vec<(u32, u32)>, gap: Gap) -> Vec<(u32, u32)> {
    let longest = reached.iter().map(|(start, end)| end - start).max().unwrap_or(0);
    let near = |span: &(u32, u32)| {
        let from = span.0.saturating_sub(gap.max.saturating_add(longest));
        let begin = reached.partition_point(|(start, _)| *start < from);
        reached[begin..]
            .iter()
            .take_while(|(start, _)| *start <= span.1.saturating_add(gap.max))
            .any(|earlier| is_near(*earlier, *span, gap))
    };
    spans.into_iter().filter(near).collect()
}

fn is_near(earlier: (u32, u32), span: (u32, u32), gap: Gap) -> bool {
    if earlier.1 < span.0 {
        span.0 - earlier.1 <= gap.max
    } else {
        !gap.ordered && span.1 < earlier.0 && earlier.0 - span.1 <= gap.max
    }
}

impl DocSet for NearScorer {
    fn advance(&mut self) -> DocId {
        self.holding_all.advance();
        self.go_to_match()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.holding_all.seek(target);
        self.go_to_match()
    }

    fn doc(&self) -> DocId {
        self.holding_all.doc()
    }

    fn size_hint(&self) -> u32 {
        self.holding_all.size_hint() / 10
    }
}

impl Scorer for NearScorer {
    fn score(&mut self) -> Score {
        self.holding_all.score()
    }
}
