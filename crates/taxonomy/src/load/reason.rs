//! Reasons and their rules as written; level-3 reasons take over what their parent says.

use std::collections::BTreeMap;

use quell_model::ReasonId;
use quell_model::contact::DemandType;
use quell_text::Language;

use super::read::{self, Fields};
use super::{Areas, is_reason_id, language_key, read_names, replaces};
use crate::catalogue::{Example, Quadrant, Reason, Scores};
use crate::problem::{Place, Problems};
use crate::rules::{Line, Negated, Role, RuleDraft, Where, Who};
use crate::yaml::{Node, Value};

/// The classes of contacts that an organisation causes itself, then the others.
const DUMB_CLASSES: [&str; 14] = [
    "confusion",
    "missed_promise",
    "defect",
    "status_chase",
    "self_service_failure",
    "unclear_policy",
    "company_error_correction",
    "repeat",
    "value_request",
    "purchase_help",
    "advice",
    "praise",
    "suggestion",
    "no_actionable_cause",
];

const MOST_REASONS: usize = 2_000;
/// Phrases of one rule, all languages together.
const MOST_LINES: usize = 5_000;
/// Examples beside one rule. They are run on every load.
const MOST_EXAMPLES: usize = 500;
/// The widest `first …` and `last …`.
const LONGEST_WHERE_MS: i64 = 3_600_000;

/// What the rest of the file says.
pub(super) struct Context<'a> {
    pub languages: &'a [Language],
    pub areas: &'a Areas,
}

/// A reason as written, with nothing inherited yet.
pub(super) struct Draft {
    reason: Reason,
    rule: RuleDraft,
}

pub(super) fn read_all(
    node: Option<&Node>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<Draft> {
    let Some(node) = node else {
        problems.error(Place { line: 1, column: 1 }, "`reasons` is missing", None);
        return Vec::new();
    };
    let items = read::list(node, problems);
    if items.len() > MOST_REASONS {
        problems.error(node.place, format!("more than {MOST_REASONS} reasons"), None);
        return Vec::new();
    }
    items.into_iter().filter_map(|item| read_one(item, context, problems)).collect()
}

fn read_one(node: &Node, context: &Context<'_>, problems: &mut Problems) -> Option<Draft> {
    let mut fields = Fields::of(node, "a reason", problems)?;
    let id = fields.required_text("id", problems);
    let names = read_names(fields.take("name"), problems);
    let owner = fields.text("owner", problems);
    let department = fields.text("department", problems);
    let scores = read_scores(fields.take("value"), problems);
    let action_node = fields.take("action");
    let action = read_action(action_node, scores, problems);
    let demand = [("value", DemandType::Value), ("failure", DemandType::Failure)];
    let demand = fields.word("demand", &demand, problems);
    let classes = DUMB_CLASSES.map(|class| (class, class));
    let dumb_class = fields.word("dumb_class", &classes, problems).map(str::to_owned);
    let cost_micros = fields.take("cost").and_then(|node| read_cost(node, problems));
    let window = fields.take("repeat_window").and_then(|node| read::duration_ms(node, problems));
    let codes = fields.take("agent_codes").map(|node| read::texts(node, problems));
    let replaces = replaces::read(fields.take("replaces"), id.as_deref(), problems);
    let rule = read_rule(&mut fields, context, problems);
    let examples = read_examples(fields.take("test"), problems);
    let place = fields.place;
    fields.finish(problems);
    let id = id?;
    check_id(&id, place, context, problems);
    let reason = Reason {
        id: ReasonId(id),
        names,
        owner: owner.unwrap_or_default(),
        department,
        scores,
        action,
        demand,
        dumb_class,
        cost_micros,
        repeat_window_ms: window,
        agent_codes: codes.unwrap_or_default(),
        replaces,
        place,
        examples,
    };
    Some(Draft { reason, rule })
}

fn check_id(id: &str, place: Place, context: &Context<'_>, problems: &mut Problems) {
    let area = id.split('.').next().unwrap_or(id);
    if !is_reason_id(id) {
        problems.error(place, format!("`{id}` is no reason id"), super::REASON_ID_HINT);
    } else if !context.areas.contains_key(area) {
        let message = format!("there is no area `{area}`");
        problems.error(place, message, Some("add it under `areas:`"));
    }
}

fn read_scores(node: Option<&Node>, problems: &mut Problems) -> Option<Scores> {
    let mut fields = Fields::of(node?, "`value`", problems)?;
    let mut score = |name: &'static str, problems: &mut Problems| {
        let place = fields.place;
        let Some(node) = fields.take(name) else {
            problems.error(place, format!("`value` needs `{name}`"), None);
            return None;
        };
        let score = read::number(node).filter(|micros| micros % 1_000_000 == 0);
        let score = score.map(|micros| micros / 1_000_000).filter(|s| (-2..=2).contains(s));
        if score.is_none() {
            problems.error(node.place, "a score is a whole number from -2 to 2", None);
        }
        score.map(|score| score as i8)
    };
    let customer = score("customer", problems);
    let organisation = score("organisation", problems);
    fields.finish(problems);
    Some(Scores { customer: customer?, organisation: organisation? })
}

fn read_action(
    node: Option<&Node>,
    scores: Option<Scores>,
    problems: &mut Problems,
) -> Option<Quadrant> {
    let node = node?;
    let written = read::text(node, problems)?;
    let Some(action) = Quadrant::ALL.into_iter().find(|action| action.as_str() == written) else {
        let hint = Some("one of eliminate, automate, simplify, leverage");
        problems.error(node.place, format!("`{written}` is no `action`"), hint);
        return None;
    };
    if let Some(scores) = scores
        && !action.agrees_with(scores)
    {
        let fitting: Vec<&str> = Quadrant::ALL
            .into_iter()
            .filter(|action| action.agrees_with(scores))
            .map(Quadrant::as_str)
            .collect();
        let message = format!(
            "`{written}` does not agree with the scores customer {}, organisation {}",
            scores.customer, scores.organisation
        );
        let hint = format!("these scores say {}", fitting.join(" or "));
        problems.error(node.place, message, Some(&hint));
    }
    Some(action)
}

fn read_cost(node: &Node, problems: &mut Problems) -> Option<i64> {
    let cost = read::number(node).filter(|micros| *micros >= 0);
    if cost.is_none() {
        let hint = Some("write a decimal with at most six places, such as 6.50");
        problems.error(node.place, "the cost of one contact is wanted", hint);
    }
    cost
}

fn read_rule(fields: &mut Fields<'_>, context: &Context<'_>, problems: &mut Problems) -> RuleDraft {
    let mut lines = Vec::new();
    for (name, role) in [("any", Role::Any), ("all", Role::All), ("unless", Role::Unless)] {
        if let Some(node) = fields.take(name) {
            read_lines(node, role, context, &mut lines, problems);
        }
    }
    if let Some(line) = lines.get(MOST_LINES) {
        let message = format!("more than {MOST_LINES} phrases in one rule");
        problems.error(line.place, message, Some("put words that stand for each other in a set"));
        lines.clear();
    }
    let who = [("customer", Who::Customer), ("agent", Who::Agent), ("any", Who::Any)];
    let negated =
        [("ignore", Negated::Ignore), ("require", Negated::Require), ("keep", Negated::Keep)];
    let place = fields.take("where").and_then(|node| read_where(node, problems));
    let need = fields.take("need").and_then(|node| read_weight(node, problems));
    RuleDraft {
        who: fields.word("who", &who, problems).unwrap_or(Who::Customer),
        place: place.unwrap_or(Where::Any),
        negated: fields.word("negated", &negated, problems).unwrap_or(Negated::Ignore),
        need: need.unwrap_or(1_000),
        lines,
    }
}

/// A place by its name, or `first 60s` and `last 60s` with any length of time up to an hour.
fn read_where(node: &Node, problems: &mut Problems) -> Option<Where> {
    let written = read::text(node, problems)?;
    let place = match written.as_str() {
        "subject" => Some(Where::Subject),
        "body" => Some(Where::Body),
        "any" => Some(Where::Any),
        "same turn" => Some(Where::SameTurn),
        other => {
            let (end, length) = other.split_once(' ').unwrap_or((other, ""));
            let ms = read::length_ms(length).filter(|ms| *ms <= LONGEST_WHERE_MS);
            match (end, ms) {
                ("first", Some(ms)) => Some(Where::First { ms }),
                ("last", Some(ms)) => Some(Where::Last { ms }),
                _ => None,
            }
        }
    };
    if place.is_none() {
        let hint = Some("one of subject, body, any, same turn, first 60s, last 60s");
        problems.error(node.place, format!("`{written}` is no `where`"), hint);
    }
    place
}

/// `{language: [phrase, …]}`, or a list for all languages.
fn read_lines(
    node: &Node,
    role: Role,
    context: &Context<'_>,
    lines: &mut Vec<Line>,
    problems: &mut Problems,
) {
    if matches!(node.value, Value::List(_)) {
        for item in read::list(node, problems) {
            lines.extend(read_line(item, role, Language::ANY, problems));
        }
        return;
    }
    let mut seen = Vec::new();
    for (key, value) in read::map(node, problems) {
        let Some(language) = language_key(key, problems) else { continue };
        if seen.contains(&language) {
            problems.error(key.place, "this language is given twice", None);
        }
        seen.push(language);
        let listed = context.languages.contains(&language) || language == Language::ANY;
        if !listed && !context.languages.is_empty() {
            let message = format!("`{language}` is not among the file's `languages`");
            problems.warn(key.place, message, None);
        }
        for item in read::list(value, problems) {
            lines.extend(read_line(item, role, language, problems));
        }
    }
}

fn read_line(node: &Node, role: Role, language: Language, problems: &mut Problems) -> Option<Line> {
    let (text, weight) = match &node.value {
        Value::Map(_) => {
            let mut fields = Fields::of(node, "a phrase", problems)?;
            let text = fields.required_text("say", problems);
            let weight = fields.take("weight").and_then(|node| read_weight(node, problems));
            fields.finish(problems);
            (text?, weight.unwrap_or(1_000))
        }
        _ => (read::text(node, problems)?, 1_000),
    };
    Some(Line { role, language, text, weight, place: node.place })
}

/// A weight or score in thousandths.
fn read_weight(node: &Node, problems: &mut Problems) -> Option<u32> {
    let weight = read::number(node)
        .filter(|micros| (1_000..=100_000_000).contains(micros) && micros % 1_000 == 0)
        .map(|micros| (micros / 1_000) as u32);
    if weight.is_none() {
        let hint = Some("write a number from 0.001 to 100");
        problems.error(node.place, "a weight is wanted", hint);
    }
    weight
}

fn read_examples(node: Option<&Node>, problems: &mut Problems) -> Vec<Example> {
    let mut examples = Vec::new();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "`test`", problems)) else {
        return examples;
    };
    for (name, matches) in [("match", true), ("skip", false)] {
        let items = fields.take(name).map(|node| read::list(node, problems)).unwrap_or_default();
        for item in items {
            let (text, language) = match &item.value {
                Value::Map(_) => {
                    let Some(mut fields) = Fields::of(item, "a test line", problems) else {
                        continue;
                    };
                    let text = fields.required_text("text", problems);
                    let language = fields.take("lang").and_then(|n| language_key(n, problems));
                    fields.finish(problems);
                    (text, language.map(|language| language.as_str().to_owned()))
                }
                _ => (read::text(item, problems), None),
            };
            if examples.len() == MOST_EXAMPLES {
                let message = format!("more than {MOST_EXAMPLES} examples in one rule");
                problems.error(item.place, message, Some("keep those that tell it from others"));
                return examples;
            }
            if let Some(text) = text {
                examples.push(Example { text, language, matches, place: item.place });
            }
        }
    }
    fields.finish(problems);
    examples
}

/// Gives level-3 reasons what their parents say, and requires what a level-2 reason must say.
pub(super) fn settle(drafts: Vec<Draft>, problems: &mut Problems) -> (Vec<Reason>, Vec<RuleDraft>) {
    let mut parents: BTreeMap<String, Reason> = BTreeMap::new();
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for Draft { reason, .. } in &drafts {
        let id = &reason.id.0;
        if let Some(first) = seen.insert(id.clone(), reason.place) {
            let message = format!("the reason `{id}` is there already, at line {}", first.line);
            problems.error(reason.place, message, Some("give each reason one entry"));
        }
        if reason.level() == 2 {
            require(reason, problems);
            parents.insert(id.clone(), reason.clone());
        }
    }
    let mut reasons = Vec::new();
    let mut rules = Vec::new();
    for Draft { mut reason, rule } in drafts {
        if reason.level() == 3 {
            match parents.get(reason.id.level2().as_str()) {
                Some(parent) => inherit(&mut reason, parent),
                None => {
                    let message = format!("`{}` has no reason above it", reason.id);
                    let hint = format!("add `{}`", reason.id.level2());
                    problems.error(reason.place, message, Some(&hint));
                }
            }
        }
        reasons.push(reason);
        rules.push(rule);
    }
    (reasons, rules)
}

fn require(reason: &Reason, problems: &mut Problems) {
    if reason.owner.is_empty() {
        let hint = Some("name the role that can remove its cause: `owner: …`");
        problems.error(reason.place, format!("`{}` has no owner", reason.id), hint);
    }
    if reason.names.is_empty() {
        let hint = Some("write `name: {en: …}`");
        problems.error(reason.place, format!("`{}` has no name", reason.id), hint);
    }
}

fn inherit(reason: &mut Reason, parent: &Reason) {
    if reason.owner.is_empty() {
        reason.owner.clone_from(&parent.owner);
    }
    if reason.names.is_empty() {
        reason.names.clone_from(&parent.names);
    }
    reason.department = reason.department.take().or_else(|| parent.department.clone());
    reason.scores = reason.scores.or(parent.scores);
    reason.action = reason.action.or(parent.action);
    reason.demand = reason.demand.or(parent.demand);
    reason.dumb_class = reason.dumb_class.take().or_else(|| parent.dumb_class.clone());
    reason.cost_micros = reason.cost_micros.or(parent.cost_micros);
    reason.repeat_window_ms = reason.repeat_window_ms.or(parent.repeat_window_ms);
}
