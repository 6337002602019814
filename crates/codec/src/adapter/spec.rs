//! An adapter file as written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    pub adapter: Spanned<String>,
    pub version: Spanned<u32>,
    #[serde(default)]
    #[allow(dead_code, reason = "for readers of the file")]
    pub description: Option<String>,
    #[serde(default)]
    pub passthrough: bool,
    #[serde(default, rename = "match")]
    pub conditions: Vec<Spanned<ConditionSpec>>,
    #[serde(default)]
    pub fan_out: Option<Spanned<String>>,
    #[serde(default)]
    pub source: BTreeMap<String, Spanned<RuleSpec>>,
    #[serde(default)]
    pub event_type: Option<Spanned<RuleSpec>>,
    #[serde(default)]
    pub event_time: Option<Spanned<RuleSpec>>,
    #[serde(default)]
    pub event_id: Option<Spanned<RuleSpec>>,
    #[serde(default)]
    pub contact: BTreeMap<String, Spanned<RuleSpec>>,
    #[serde(default)]
    pub attributes: BTreeMap<String, Spanned<RuleSpec>>,
    #[serde(default)]
    pub derive: Vec<Spanned<DeriveSpec>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionSpec {
    pub from: String,
    #[serde(default)]
    pub pattern: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleSpec {
    pub from: Option<String>,
    pub first_of: Option<Vec<String>>,
    #[serde(rename = "const")]
    pub constant: Option<Value>,
    pub template: Option<String>,
    pub find: Option<FindSpec>,
    pub split: Option<String>,
    pub pick: Option<Vec<String>>,
    pub allow: Option<AllowSpec>,
    pub except: Option<Vec<String>>,
    pub replace: Option<Vec<ReplaceSpec>>,
    pub map: Option<BTreeMap<String, Value>>,
    pub default: Option<Value>,
    pub format: Option<String>,
    pub tz: Option<String>,
    pub scale: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindSpec {
    #[serde(rename = "in")]
    pub list: String,
    #[serde(rename = "where")]
    pub members: BTreeMap<String, Value>,
    pub take: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AllowSpec {
    pub exact: Vec<String>,
    pub patterns: Vec<String>,
    pub templates: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaceSpec {
    pub pattern: String,
    pub with: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeriveSpec {
    pub when: WhenSpec,
    pub set: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenSpec {
    pub field: String,
    #[serde(default)]
    pub before: Option<String>,
    #[serde(default)]
    pub from: Option<Vec<String>>,
    #[serde(default)]
    pub to: Option<Vec<String>>,
}
