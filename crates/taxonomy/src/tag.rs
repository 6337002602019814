//! Tags one contact: language, reasons with evidence, cues, likeness.

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_model::contact::{DemandType, LanguageSource};
use quell_model::event::{Role as Speaker, Turn};
use quell_model::reason::Confidence;
use quell_model::{DecidedBy, Evidence, ReasonId, ReasonTag, UNCLASSIFIED, Weight};
use quell_text::cues::CuesFound;
use quell_text::phrase::{Found, Scratch};
use quell_text::{Analysis, Analyzer, Detector, Language, Part, similarity, split_into};

use crate::catalogue::Taxonomy;
use crate::demand;
use crate::rules::{Negated, Role, Where, Who};

/// A contact has at most so many reasons.
const MOST_REASONS: usize = 3;
/// Evidence kept per reason.
const MOST_EVIDENCE: usize = 8;
/// Texts of a contact that its language is told from.
const MOST_PARTS: usize = 16;
/// Turns read of one transcript.
const MOST_TURNS: usize = 2_000;

/// How a deployment tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSettings {
    /// Whether an agent's code that no reason lists becomes a reason of its own name.
    pub accept_agent_codes: bool,
    /// The language of texts that tell nothing of theirs.
    pub default_language: String,
}

impl Default for TagSettings {
    fn default() -> Self {
        TagSettings { accept_agent_codes: false, default_language: "en".to_owned() }
    }
}

/// What is known of a contact when it is tagged.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagInput<'a> {
    /// The language that the event names.
    pub language_hint: Option<&'a str>,
    /// The subject, redacted.
    pub subject: Option<&'a str>,
    /// The body, redacted.
    pub body: Option<&'a str>,
    /// The transcript, redacted.
    pub turns: &'a [Turn],
    /// What the agent picked.
    pub agent_code: Option<&'a str>,
}

/// What was found of a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagging {
    /// The language, as a primary subtag.
    pub language: String,
    /// How it was found.
    pub language_source: LanguageSource,
    /// Never empty, the weightiest first; the weights sum to one.
    pub reasons: Vec<ReasonTag>,
    /// Cue classes, the weightiest first.
    pub cues: Vec<String>,
    /// From the first reason that says it, else from the cues.
    pub demand_type: Option<DemandType>,
    /// From the first reason that says it, else from the cues.
    pub dumb_class: Option<String>,
    /// Equal for equal messages; none without text.
    pub fingerprint: Option<u64>,
    /// For [`similarity::similarity`].
    pub sketch: Vec<u32>,
}

/// Tags contacts by a taxonomy. Keeps caches that never show.
pub struct Tagger {
    taxonomy: Arc<Taxonomy>,
    settings: TagSettings,
    detector: Detector,
    analyzer: Analyzer,
    scratch: Scratch,
    found: Vec<Found>,
    hits: Vec<Hit>,
    subject: Analysis,
    body: Analysis,
    turn: Analysis,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Subject,
    Body,
    Turn(u32),
}

/// A phrase of a rule, seen in one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    phrase: u32,
    place: Place,
    start: u32,
    end: u32,
}

/// A reason whose rule fired.
struct Fired {
    reason: usize,
    score: u32,
    phrases: u32,
    need: u32,
    evidence: Vec<Evidence>,
}

impl Tagger {
    /// A tagger.
    pub fn new(taxonomy: Arc<Taxonomy>, settings: TagSettings) -> Tagger {
        let default = Language::parse(&settings.default_language).unwrap_or(Language::EN);
        Tagger {
            taxonomy,
            settings,
            detector: Detector::new(default),
            analyzer: Analyzer::new(),
            scratch: Scratch::default(),
            found: Vec::new(),
            hits: Vec::new(),
            subject: Analysis::new(),
            body: Analysis::new(),
            turn: Analysis::new(),
        }
    }

    /// The taxonomy it tags by.
    pub fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    /// Tags one contact.
    pub fn tag(&mut self, input: &TagInput<'_>) -> Tagging {
        let subject = input.subject.unwrap_or("");
        split_into(subject, &mut self.subject);
        let body = input.body.unwrap_or("");
        split_into(body, &mut self.body);
        let (language, language_source) = self.language(input);
        let taxonomy = Arc::clone(&self.taxonomy);
        let mut cues = CuesFound::default();
        let mut sketch = Vec::new();
        self.hits.clear();
        self.analyzer.stem(language, &mut self.subject);
        self.analyzer.stem(language, &mut self.body);
        for (place, analysis) in [(Place::Subject, &self.subject), (Place::Body, &self.body)] {
            self.found.clear();
            taxonomy.rules.matcher.find(analysis, &mut self.scratch, &mut self.found);
            cues = cues.and(taxonomy.rules.cues.cues(&self.found));
            keep_hits(&taxonomy, &self.found, place, Who::Customer, &mut self.hits);
            similarity::add_content(analysis, &mut sketch);
        }
        let fingerprint = similarity::fingerprint([&self.subject, &self.body]);
        for (number, turn) in input.turns.iter().take(MOST_TURNS).enumerate() {
            let who = match turn.role {
                Speaker::Customer => Who::Customer,
                Speaker::Agent if taxonomy.rules.reads_agents => Who::Agent,
                _ => continue,
            };
            self.analyzer.analyze_into(language, &turn.text, &mut self.turn);
            self.found.clear();
            taxonomy.rules.matcher.find(&self.turn, &mut self.scratch, &mut self.found);
            if who == Who::Customer {
                cues = cues.and(taxonomy.rules.cues.cues(&self.found));
                similarity::add_content(&self.turn, &mut sketch);
            }
            let place = Place::Turn(number as u32);
            keep_hits(&taxonomy, &self.found, place, who, &mut self.hits);
        }
        similarity::finish_sketch(&mut sketch);
        let reasons = self.decide(&taxonomy, language, input);
        let (demand_type, dumb_class) = demand::nature(&taxonomy, &reasons, cues);
        Tagging {
            language: language.as_str().to_owned(),
            language_source,
            reasons,
            cues: cues.names().map(str::to_owned).collect(),
            demand_type,
            dumb_class,
            fingerprint,
            sketch,
        }
    }

    fn language(&self, input: &TagInput<'_>) -> (Language, LanguageSource) {
        let known = [(input.subject, &self.subject), (input.body, &self.body)];
        let known = known.into_iter().filter_map(|(text, split)| Some((text?, split)));
        let known = known.map(|(text, split)| Part { text, split: Some(split) });
        let said = input.turns.iter().filter(|turn| turn.role == Speaker::Customer);
        let said = said.map(|turn| Part { text: &turn.text, split: None });
        let mut parts = [Part { text: "", split: None }; MOST_PARTS];
        let mut count = 0;
        for (slot, part) in parts.iter_mut().zip(known.chain(said)) {
            *slot = part;
            count += 1;
        }
        let parts = parts.get(..count).unwrap_or(&[]);
        let detected = self.detector.detect_parts(parts, input.language_hint);
        (detected.language, detected.source)
    }

    /// Rules, then the agent's code, then nobody.
    fn decide(
        &mut self,
        taxonomy: &Taxonomy,
        language: Language,
        input: &TagInput<'_>,
    ) -> Vec<ReasonTag> {
        // A phrase counts once, at its first place.
        self.hits.sort_unstable();
        self.hits.dedup_by_key(|hit| hit.phrase);
        let fired = one_per_level2(taxonomy, fired_rules(taxonomy, language, &self.hits));
        if !fired.is_empty() {
            return tags_of(taxonomy, fired);
        }
        if let Some(tag) = self.by_agent_code(taxonomy, input.agent_code) {
            return vec![tag];
        }
        vec![ReasonTag {
            reason: ReasonId::from(UNCLASSIFIED),
            weight: Weight::ONE,
            decided_by: DecidedBy::None,
            confidence: Confidence(0),
            evidence: Vec::new(),
        }]
    }

    fn by_agent_code(&self, taxonomy: &Taxonomy, code: Option<&str>) -> Option<ReasonTag> {
        let given = code?;
        let code = given.trim();
        if code.is_empty() {
            return None;
        }
        let folded = code.to_lowercase();
        let known = taxonomy.by_agent_code.get(&folded).or_else(|| taxonomy.by_id.get(&folded));
        let (reason, confidence) = match known.and_then(|&at| taxonomy.reasons.get(at)) {
            Some(reason) => (reason.id.clone(), 600),
            None if self.settings.accept_agent_codes => (ReasonId(code.to_owned()), 500),
            None => return None,
        };
        let start = given.len() - given.trim_start().len();
        Some(ReasonTag {
            reason,
            weight: Weight::ONE,
            decided_by: DecidedBy::AgentCode,
            confidence: Confidence(confidence),
            evidence: vec![Evidence {
                matched: code.to_owned(),
                place: "agent_code".to_owned(),
                start: start as u32,
                end: (start + code.len()) as u32,
            }],
        })
    }
}

/// Keeps the hits that count for their rule.
fn keep_hits(taxonomy: &Taxonomy, found: &[Found], place: Place, who: Who, hits: &mut Vec<Hit>) {
    for hit in found {
        let Some(used) = taxonomy.rules.uses.get(hit.phrase as usize) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(used.reason as usize) else { continue };
        let speaker_fits = rule.who == Who::Any || rule.who == who;
        let place_fits = match rule.place {
            Where::Any => true,
            Where::Subject => place == Place::Subject,
            Where::Body => place != Place::Subject,
        };
        let denial_fits = match rule.negated {
            Negated::Keep => true,
            Negated::Ignore => !hit.negated,
            Negated::Require => hit.negated,
        };
        // What cancels a rule is written as it is said, its own negators included.
        if speaker_fits && place_fits && (denial_fits || used.line.role == Role::Unless) {
            hits.push(Hit { phrase: hit.phrase, place, start: hit.start, end: hit.end });
        }
    }
}

/// Rules that have what they need. Hits come sorted by phrase, so those of one rule together.
fn fired_rules(taxonomy: &Taxonomy, language: Language, hits: &[Hit]) -> Vec<Fired> {
    let uses = &taxonomy.rules.uses;
    let reason_of = |hit: &Hit| uses.get(hit.phrase as usize).map(|used| used.reason);
    let mut fired = Vec::new();
    for group in hits.chunk_by(|a, b| reason_of(a) == reason_of(b)) {
        let Some(reason) = group.first().and_then(reason_of) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(reason as usize) else { continue };
        let (mut score, mut all, mut any, mut cancelled) = (0u32, 0u32, false, false);
        for used in group.iter().filter_map(|hit| uses.get(hit.phrase as usize)) {
            match used.line.role {
                Role::Unless => cancelled = true,
                Role::All => {
                    all += 1;
                    score = score.saturating_add(used.line.weight);
                }
                Role::Any => {
                    any = true;
                    score = score.saturating_add(used.line.weight);
                }
            }
        }
        let all_wanted = rule.all_lines(table_language(taxonomy, language));
        let enough = score >= rule.need && (any || all_wanted > 0) && all == all_wanted;
        if enough && !cancelled {
            let evidence = group.iter().take(MOST_EVIDENCE).filter_map(|hit| {
                Some(evidence_of(hit, &uses.get(hit.phrase as usize)?.line.text))
            });
            fired.push(Fired {
                reason: reason as usize,
                score,
                phrases: group.len() as u32,
                need: rule.need,
                evidence: evidence.collect(),
            });
        }
    }
    fired
}

/// The language whose lines hold: a language without phrases has those of all languages only.
fn table_language(taxonomy: &Taxonomy, language: Language) -> Language {
    if taxonomy.rules.matcher.knows(language) { language } else { Language::ANY }
}

fn evidence_of(hit: &Hit, phrase: &str) -> Evidence {
    let place = match hit.place {
        Place::Subject => "subject".to_owned(),
        Place::Body => "body".to_owned(),
        Place::Turn(number) => format!("turn:{number}"),
    };
    Evidence { matched: phrase.to_owned(), place, start: hit.start, end: hit.end }
}

/// A level-3 reason stands for its level 2: the most exact, then the strongest, speaks for all.
fn one_per_level2(taxonomy: &Taxonomy, fired: Vec<Fired>) -> Vec<Fired> {
    if fired.len() < 2 {
        return fired;
    }
    let mut groups: BTreeMap<ReasonId, Vec<Fired>> = BTreeMap::new();
    for one in fired {
        if let Some(reason) = taxonomy.reasons.get(one.reason) {
            groups.entry(reason.id.level2()).or_default().push(one);
        }
    }
    let level = |one: &Fired| taxonomy.reasons.get(one.reason).map_or(0, |reason| reason.level());
    let mut kept = Vec::new();
    for (_, mut group) in groups {
        group.sort_by_key(|one| {
            (std::cmp::Reverse(level(one)), std::cmp::Reverse(one.score), one.reason)
        });
        let mut all = group.into_iter();
        let Some(mut first) = all.next() else { continue };
        for other in all {
            first.score = first.score.max(other.score);
            first.phrases += other.phrases;
            first.evidence.extend(other.evidence);
        }
        first.evidence.truncate(MOST_EVIDENCE);
        kept.push(first);
    }
    kept
}

fn tags_of(taxonomy: &Taxonomy, mut fired: Vec<Fired>) -> Vec<ReasonTag> {
    fired.sort_by_key(|one| (std::cmp::Reverse(one.score), one.reason));
    fired.truncate(MOST_REASONS);
    let scores: Vec<u32> = fired.iter().map(|one| one.score).collect();
    fired
        .into_iter()
        .zip(Weight::split(&scores))
        .filter_map(|(one, weight)| {
            Some(ReasonTag {
                reason: taxonomy.reasons.get(one.reason)?.id.clone(),
                weight,
                decided_by: DecidedBy::Rule,
                confidence: confidence_of(&one),
                evidence: one.evidence,
            })
        })
        .collect()
}

/// An ordinal measure, not a probability: more independent phrases and more score than needed
/// make a rule surer.
fn confidence_of(one: &Fired) -> Confidence {
    let beyond = one.score.saturating_sub(one.need) / one.need.max(1);
    let bonus = 50 * (one.phrases.saturating_sub(1) + beyond).min(3);
    Confidence((800 + bonus) as u16)
}
