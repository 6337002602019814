//! Rules compiled: every phrase of every rule in one matcher, each hit leading to its reason.

use std::collections::{BTreeMap, BTreeSet};

use quell_text::Language;
use quell_text::cues::{CueSet, word_sets};
use quell_text::phrase::{Matcher, MatcherBuilder, WordSets};

use crate::problem::{Place, Problems};

/// Languages of all phrases together. Each has its own tables.
const MOST_LANGUAGES: usize = 64;

/// Whose words count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Customer,
    Agent,
    Any,
}

/// Where they must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Subject,
    /// The body and every turn.
    Body,
    Any,
    /// Anywhere, but all that the rule needs in one text: one turn, the subject, or the body.
    SameTurn,
    /// In turns that begin so soon after the conversation. Turns without a time do not, nor does
    /// what is written.
    First {
        ms: i64,
    },
    /// In turns that begin so shortly before the last one does.
    Last {
        ms: i64,
    },
}

/// What to do with a hit under a negator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Negated {
    Ignore,
    Require,
    Keep,
}

/// What a phrase is to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Any,
    All,
    Unless,
}

/// One phrase as written.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub role: Role,
    pub language: Language,
    pub text: String,
    /// In thousandths.
    pub weight: u32,
    pub place: Place,
}

/// A rule as written.
#[derive(Clone, Debug)]
pub(crate) struct RuleDraft {
    pub who: Who,
    pub place: Where,
    pub negated: Negated,
    /// The score needed, in thousandths.
    pub need: u32,
    pub lines: Vec<Line>,
}

/// A rule ready for use. Rules and reasons have the same numbers.
pub(crate) struct Rule {
    pub who: Who,
    pub place: Where,
    pub negated: Negated,
    pub need: u32,
    /// How many lines must all be there, by language; `und` for all.
    all_lines: BTreeMap<Language, u32>,
}

impl Rule {
    /// How many `all` lines hold for a text in a language.
    pub fn all_lines(&self, language: Language) -> u32 {
        let of = |language| self.all_lines.get(&language).copied().unwrap_or(0);
        if language == Language::ANY { of(language) } else { of(language) + of(Language::ANY) }
    }
}

/// A phrase's way back to its rule.
pub(crate) struct PhraseUse {
    pub reason: u32,
    pub line: Line,
}

/// All rules of a taxonomy.
pub(crate) struct Rules {
    pub matcher: Matcher,
    pub cues: CueSet,
    pub rules: Vec<Rule>,
    /// By phrase number; cue phrases come after these.
    pub uses: Vec<PhraseUse>,
    /// Whether any rule reads what agents say.
    pub reads_agents: bool,
}

impl Rules {
    /// The languages of each reason's phrases, by the reason's number.
    pub fn spoken(&self) -> BTreeMap<usize, BTreeSet<Language>> {
        let mut spoken: BTreeMap<usize, BTreeSet<Language>> = BTreeMap::new();
        for used in &self.uses {
            spoken.entry(used.reason as usize).or_default().insert(used.line.language);
        }
        spoken
    }

    /// No rules; cues only.
    pub fn none() -> Rules {
        let mut builder = MatcherBuilder::new(word_sets());
        let cues = CueSet::register(&mut builder);
        let matcher = builder.build();
        Rules { matcher, cues, rules: Vec::new(), uses: Vec::new(), reads_agents: false }
    }

    /// Compiles drafts; phrases that cannot be used are problems at their place. `with_cues` adds
    /// those of the lexicon, which take longer than most files do: not for rules that have errors.
    pub fn compile(
        drafts: Vec<RuleDraft>,
        sets: WordSets,
        languages: &[Language],
        with_cues: bool,
        problems: &mut Problems,
    ) -> Rules {
        let mut builder = MatcherBuilder::new(sets);
        for language in languages {
            builder.language(*language);
        }
        let mut spoken: BTreeSet<Language> = languages.iter().copied().collect();
        let mut rules = Vec::new();
        let mut uses = Vec::new();
        for (reason, draft) in drafts.into_iter().enumerate() {
            let mut all_lines: BTreeMap<Language, u32> = BTreeMap::new();
            for line in draft.lines {
                spoken.insert(line.language);
                if spoken.len() > MOST_LANGUAGES {
                    let message = format!("phrases in more than {MOST_LANGUAGES} languages");
                    problems.error(line.place, message, None);
                    return Rules::none();
                }
                match builder.add(line.language, &line.text) {
                    Ok(_) => {
                        if line.role == Role::All {
                            *all_lines.entry(line.language).or_default() += 1;
                        }
                        uses.push(PhraseUse { reason: reason as u32, line });
                    }
                    Err(error) => {
                        problems.error(line.place, error.message, error.hint.as_deref());
                    }
                }
            }
            rules.push(Rule {
                who: draft.who,
                place: draft.place,
                negated: draft.negated,
                need: draft.need,
                all_lines,
            });
        }
        let with_cues = with_cues && !problems.has_errors();
        let cues = if with_cues { CueSet::register(&mut builder) } else { CueSet::none() };
        let reads_agents = rules.iter().any(|rule| rule.who != Who::Customer);
        Rules { matcher: builder.build(), cues, rules, uses, reads_agents }
    }
}
