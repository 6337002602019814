//! The catalogue: areas, reasons, and what their owners said of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_model::ReasonId;
use quell_model::contact::DemandType;
use quell_text::Language;

use crate::check;
use crate::learned::{Learned, ReasonModel};
use crate::load;
use crate::problem::{Place, Problem, Problems, Severity};
use crate::rules::Rules;

/// What to do about a reason, from its place in the value-irritant matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quadrant {
    /// Irritates both sides: remove the cause.
    Eliminate,
    /// The customer values it, the organisation does not: self-service, alerts.
    Automate,
    /// Irritates the customer, serves the organisation: make it easier.
    Simplify,
    /// Both value it: spend time on it.
    Leverage,
}

impl Quadrant {
    /// Every quadrant.
    pub const ALL: [Quadrant; 4] =
        [Quadrant::Eliminate, Quadrant::Automate, Quadrant::Simplify, Quadrant::Leverage];

    /// The word used in files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Quadrant::Eliminate => "eliminate",
            Quadrant::Automate => "automate",
            Quadrant::Simplify => "simplify",
            Quadrant::Leverage => "leverage",
        }
    }

    /// Whether scores allow it. A score of 0 lies on the border and allows both sides.
    pub fn agrees_with(self, scores: Scores) -> bool {
        let (customer_values, organisation_values) = match self {
            Quadrant::Eliminate => (false, false),
            Quadrant::Automate => (true, false),
            Quadrant::Simplify => (false, true),
            Quadrant::Leverage => (true, true),
        };
        let fits = |score: i8, values: bool| if values { score >= 0 } else { score <= 0 };
        fits(scores.customer, customer_values) && fits(scores.organisation, organisation_values)
    }
}

/// The committee's scores, -2 (irritating) to +2 (valuable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scores {
    /// Value to the customer.
    pub customer: i8,
    /// Value to the organisation.
    pub organisation: i8,
}

/// One contact reason. A level-3 reason has inherited what it did not say itself.
#[derive(Clone, Debug)]
pub struct Reason {
    /// `area.reason`, or `area.reason.cause`.
    pub id: ReasonId,
    /// Names by language; `und` for a name in no language in particular.
    pub names: BTreeMap<String, String>,
    /// Who can remove the cause.
    pub owner: String,
    /// The department that bears the cost.
    pub department: Option<String>,
    /// The committee's scores.
    pub scores: Option<Scores>,
    /// What people chose to do about it.
    pub action: Option<Quadrant>,
    /// Value or failure demand.
    pub demand: Option<DemandType>,
    /// The dumb-contact class.
    pub dumb_class: Option<String>,
    /// Cost of one contact in millionths of the currency.
    pub cost_micros: Option<i64>,
    /// How long after a contact another one counts as its repeat.
    pub repeat_window_ms: Option<i64>,
    /// What agents pick for it.
    pub agent_codes: Vec<String>,
    /// Ids of an earlier version of the file that it takes over from, wholly or in part.
    pub replaces: Vec<ReasonId>,
    pub(crate) place: Place,
    pub(crate) examples: Vec<Example>,
}

impl Reason {
    /// 2 or 3.
    pub fn level(&self) -> usize {
        self.id.as_str().matches('.').count() + 1
    }

    /// The name in a language, else in English, else any, else the id.
    pub fn name(&self, language: &str) -> &str {
        [language, "en", "und"]
            .iter()
            .find_map(|language| self.names.get(*language))
            .or_else(|| self.names.values().next())
            .map_or(self.id.as_str(), String::as_str)
    }
}

/// A text written beside a rule that it must, or must not, tag.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub text: String,
    pub language: Option<String>,
    pub matches: bool,
    pub place: Place,
}

/// A loaded, immutable taxonomy.
#[derive(Clone)]
pub struct Taxonomy {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) currency: String,
    pub(crate) file: String,
    pub(crate) languages: Vec<Language>,
    pub(crate) areas: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) by_id: BTreeMap<String, usize>,
    pub(crate) by_agent_code: BTreeMap<String, usize>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) model: Option<Arc<ReasonModel>>,
    pub(crate) warnings: Vec<Problem>,
}

impl Taxonomy {
    /// Reads a taxonomy from YAML and runs the examples written beside its rules: a rule that
    /// fails one of them is an error. `file` is the name that problems carry. On failure all
    /// problems found, in the order of the file.
    pub fn parse(yaml: &str, file: &str) -> Result<Taxonomy, Vec<Problem>> {
        Taxonomy::parsed(yaml, file, true)
    }

    /// The same without the cues of the lexicon: reasons are as with them, and cues are never
    /// found. Many times faster, for whoever looks at many files.
    ///
    /// # Errors
    /// As [`Taxonomy::parse`].
    pub fn parse_without_cues(yaml: &str, file: &str) -> Result<Taxonomy, Vec<Problem>> {
        Taxonomy::parsed(yaml, file, false)
    }

    fn parsed(yaml: &str, file: &str, with_cues: bool) -> Result<Taxonomy, Vec<Problem>> {
        let mut problems = Problems::new(file);
        let loaded = load::load(yaml, file, with_cues, &mut problems);
        let Some(mut taxonomy) = loaded.filter(|_| !problems.has_errors()) else {
            return Err(problems.into_sorted());
        };
        taxonomy.warnings = problems.into_sorted();
        let found = check::check(&taxonomy);
        if found.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(found);
        }
        taxonomy.warnings = found;
        Ok(taxonomy)
    }

    /// The taxonomy without reasons: agents' codes alone decide.
    pub fn none() -> Taxonomy {
        Taxonomy {
            id: "none".to_owned(),
            version: version_of("none", ""),
            currency: "USD".to_owned(),
            file: String::new(),
            languages: Vec::new(),
            areas: BTreeMap::new(),
            reasons: Vec::new(),
            by_id: BTreeMap::new(),
            by_agent_code: BTreeMap::new(),
            rules: Arc::new(Rules::none()),
            model: None,
            warnings: Vec::new(),
        }
    }

    /// With a trained model beside the rules. Its labels are ids or agents' codes of the reasons
    /// here. It becomes part of the version: what it tags is named after it.
    #[must_use]
    pub fn with_model(mut self, model: Learned) -> Taxonomy {
        let hash = model.hash();
        self.version = format!("{}+{}", self.version, hash.get(..12).unwrap_or(""));
        self.model = Some(Arc::new(ReasonModel::new(&self, model)));
        self
    }

    /// Labels of the model that name no reason: it knows them and never gives them, unless every
    /// agent's code is accepted as a reason.
    pub fn unknown_labels(&self) -> impl Iterator<Item = &str> {
        self.model.iter().flat_map(|model| model.unknown_labels())
    }

    /// The reason that agents pick by this code, or whose id it is, whatever the case.
    pub(crate) fn reason_of_code(&self, code: &str) -> Option<&Reason> {
        let folded = code.to_lowercase();
        let at = self.by_agent_code.get(&folded).or_else(|| self.by_id.get(&folded))?;
        self.reasons.get(*at)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its id and the beginning of its content's hash, and that of its model's where it has one:
    /// `ecommerce@0123456789ab`, `ecommerce@0123456789ab+ba9876543210`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The currency of its costs.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The languages it means to cover.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(Language::as_str)
    }

    /// The areas (level 1) with their names by language.
    pub fn areas(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.areas
    }

    /// All reasons of levels 2 and 3, in the order of the file.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// One reason.
    pub fn reason(&self, id: &ReasonId) -> Option<&Reason> {
        self.by_id.get(id.as_str()).and_then(|&at| self.reasons.get(at))
    }

    /// What people should settle, found by the examples written beside the rules: overlaps,
    /// languages without phrases, too many or too few reasons. [`crate::check`] does the same and
    /// more by real texts.
    pub fn check(&self) -> Vec<Problem> {
        self.warnings.clone()
    }
}

/// Id and content make the version.
pub(crate) fn version_of(id: &str, yaml: &str) -> String {
    let hash = blake3::hash(yaml.as_bytes()).to_hex();
    format!("{id}@{}", hash.get(..12).unwrap_or(""))
}
