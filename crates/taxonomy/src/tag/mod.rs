//! Tags one contact: language, reasons and cues with evidence, likeness.

mod by_cues;
mod by_model;
mod by_rules;
mod passage;
mod words;

use std::sync::Arc;

use quell_model::contact::LanguageSource;
use quell_model::event::{Role as Speaker, Turn};
use quell_model::reason::Confidence;
use quell_model::{
    CueEvidence, DecidedBy, Evidence, Opinion, ReasonId, ReasonTag, RuleEvidence, UNCLASSIFIED,
    Weight,
};
use quell_text::phrase::{Found, Scratch};
use quell_text::{Analysis, Analyzer, Detector, Language, Part, similarity, split_into};

use crate::catalogue::Taxonomy;
use crate::demand::{self, Nature};
use crate::fire::{Clock, Hit, Place, Spoken, fired_rules, keep_hits};
use crate::rules::Who;

use by_cues::CuesShown;
use by_model::{ModelReader, Said};
use by_rules::by_rules;
use words::WordsTaken;

/// A contact has at most so many reasons.
const MOST_REASONS: usize = 3;
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
    /// What the sources that did not decide thought: the rules, then the model, then the agent.
    pub opinions: Vec<Opinion>,
    /// For the evidence of each reason that rules gave, the words that were matched.
    pub rule_evidence: Vec<RuleEvidence>,
    /// Cue classes, the weightiest first.
    pub cues: Vec<String>,
    /// For each of the cues the first passages that show it, in the order of `cues`.
    pub cue_evidence: Vec<CueEvidence>,
    /// By [`crate::nature`].
    pub nature: Nature,
    /// Equal for equal messages; none without text.
    pub fingerprint: Option<u64>,
    /// For [`similarity::similarity`].
    pub sketch: Vec<u32>,
    /// What the customer wrote in some single words, folded, in their order, one space between two.
    pub words: String,
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
    reader: ModelReader,
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
            reader: ModelReader::default(),
        }
    }

    /// The taxonomy it tags by.
    pub fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    /// The reasons whose rules the contact tagged last fired, however many, and its language.
    pub(crate) fn fired_last(&mut self) -> (Language, Vec<usize>) {
        let language = self.body.language;
        let fired = fired_rules(&self.taxonomy, language, &mut self.hits);
        (language, fired.into_iter().map(|one| one.reason).collect())
    }

    /// Tags one contact.
    pub fn tag(&mut self, input: &TagInput<'_>) -> Tagging {
        let subject = input.subject.unwrap_or("");
        split_into(subject, &mut self.subject);
        let body = input.body.unwrap_or("");
        split_into(body, &mut self.body);
        let (language, language_source) = self.language(input);
        let taxonomy = Arc::clone(&self.taxonomy);
        let mut cues = CuesShown::default();
        let mut sketch = Vec::new();
        let mut words = WordsTaken::default();
        self.hits.clear();
        self.reader.clear();
        self.analyzer.stem(language, &mut self.subject);
        self.analyzer.stem(language, &mut self.body);
        let written = [(Place::Subject, subject, &self.subject), (Place::Body, body, &self.body)];
        for (place, text, analysis) in written {
            self.found.clear();
            taxonomy.rules.matcher.find(analysis, &mut self.scratch, &mut self.found);
            cues.add(&taxonomy.rules.cues, &self.found, place, text);
            keep_hits(&taxonomy, &self.found, &Spoken::written(place), &mut self.hits);
            self.reader.add(taxonomy.model.as_deref(), place, analysis);
            similarity::add_content(analysis, &mut sketch);
            words.add(text, analysis);
        }
        let fingerprint = similarity::fingerprint([&self.subject, &self.body]);
        let turns = input.turns.get(..MOST_TURNS).unwrap_or(input.turns);
        let clock = Clock::of(turns);
        for (number, turn) in turns.iter().enumerate() {
            let who = match turn.role {
                Speaker::Customer => Who::Customer,
                Speaker::Agent if taxonomy.rules.reads_agents => Who::Agent,
                _ => continue,
            };
            self.analyzer.analyze_into(language, &turn.text, &mut self.turn);
            self.found.clear();
            taxonomy.rules.matcher.find(&self.turn, &mut self.scratch, &mut self.found);
            let spoken = clock.spoken(number as u32, turn, who);
            if who == Who::Customer {
                cues.add(&taxonomy.rules.cues, &self.found, spoken.place, &turn.text);
                self.reader.add(taxonomy.model.as_deref(), spoken.place, &self.turn);
                similarity::add_content(&self.turn, &mut sketch);
                words.add(&turn.text, &self.turn);
            }
            keep_hits(&taxonomy, &self.found, &spoken, &mut self.hits);
        }
        similarity::finish_sketch(&mut sketch);
        let (reasons, opinions) = self.decide(&taxonomy, language, input);
        let rule_evidence = passage::of_rules(&reasons, input);
        let cue_names = cues.names();
        let nature = demand::nature(&taxonomy, &reasons, &cue_names);
        Tagging {
            language: language.as_str().to_owned(),
            language_source,
            reasons,
            opinions,
            rule_evidence,
            cues: cue_names.into_iter().map(str::to_owned).collect(),
            cue_evidence: cues.evidence(),
            nature,
            fingerprint,
            sketch,
            words: words.into_forms(),
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

    /// Rules, then the model where it is sure, then the agent's code, then nobody.
    fn decide(
        &mut self,
        taxonomy: &Taxonomy,
        language: Language,
        input: &TagInput<'_>,
    ) -> (Vec<ReasonTag>, Vec<Opinion>) {
        let accepts = self.settings.accept_agent_codes;
        let rules = by_rules(taxonomy, language, &mut self.hits);
        let model = taxonomy.model.as_deref();
        let model = model.map_or_else(Said::default, |model| self.reader.ask(model, accepts));
        let code = by_agent_code(taxonomy, accepts, input.agent_code);
        let mut opinions = Vec::new();
        let decided = if !rules.is_empty() {
            rules
        } else if model.is_sure {
            let mut tags = model.tags();
            self.explain(taxonomy, language, input, &model, &mut tags);
            tags
        } else if let Some(code) = code.clone() {
            vec![code]
        } else {
            vec![nobody()]
        };
        let by = decided.first().map_or(DecidedBy::None, |tag| tag.decided_by);
        if by != DecidedBy::Model {
            opinions.extend(model.opinions());
        }
        if by != DecidedBy::AgentCode {
            opinions.extend(code.map(|tag| opinion_of(&tag)));
        }
        (decided, opinions)
    }

    /// Puts the words that moved the model beside each of its tags.
    fn explain(
        &mut self,
        taxonomy: &Taxonomy,
        language: Language,
        input: &TagInput<'_>,
        said: &Said,
        tags: &mut [ReasonTag],
    ) {
        let Some(model) = taxonomy.model.as_deref() else { return };
        for (tag, label) in tags.iter_mut().zip(said.labels()) {
            for stretch in self.reader.stretches(model, label) {
                let (text, analysis) = match stretch.place {
                    Place::Subject => (input.subject, &self.subject),
                    Place::Body => (input.body, &self.body),
                    Place::Turn(number) => {
                        let text = input.turns.get(number as usize).map(|turn| turn.text.as_str());
                        self.analyzer.analyze_into(language, text.unwrap_or(""), &mut self.turn);
                        (text, &self.turn)
                    }
                };
                tag.evidence.extend(stretch.evidence(text.unwrap_or(""), analysis));
            }
        }
    }
}

fn nobody() -> ReasonTag {
    ReasonTag {
        reason: ReasonId::from(UNCLASSIFIED),
        weight: Weight::ONE,
        decided_by: DecidedBy::None,
        confidence: Confidence(0),
        evidence: Vec::new(),
    }
}

fn opinion_of(tag: &ReasonTag) -> Opinion {
    Opinion {
        by: tag.decided_by,
        reason: tag.reason.clone(),
        confidence: tag.confidence,
        is_sure: true,
    }
}

/// The reason of the code that the agent picked.
fn by_agent_code(taxonomy: &Taxonomy, accepts: bool, code: Option<&str>) -> Option<ReasonTag> {
    let given = code?;
    let code = given.trim();
    if code.is_empty() {
        return None;
    }
    let (reason, confidence) = match taxonomy.reason_of_code(code) {
        Some(reason) => (reason.id.clone(), 600),
        None if accepts => (ReasonId(code.to_owned()), 500),
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
            weight: None,
        }],
    })
}
