//! `quell taxonomy discover … --accept ID=REASON`: the reason for a candidate, written.
//!
//! Nothing is kept between runs: the search is done again over the same files, which finds the same
//! groups, now with which texts are in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use quell_model::{ContactKey, ReasonId};
use quell_taxonomy::Taxonomy;
use quell_taxonomy::discovery::{
    Acceptance, Candidate, CandidateId, Fragment, Sample, hash_of, with_reasons,
};
use quell_text::Language;

use super::discover::{Found, Search};
use super::lines;
use crate::Outcome;
use crate::args::TaxonomyDiscover;

/// Texts of a candidate that its rule is made from.
const MOST_OWN: usize = 300;
/// Texts of others that it should leave alone.
const MOST_OTHERS: usize = 3_000;

/// Says what cannot be accepted before anything is read.
///
/// # Errors
/// The reason is there already or has no area, the texts cannot be read again, or the file to write
/// is there already.
pub fn refuse(args: &TaxonomyDiscover, taxonomy: &Taxonomy) -> anyhow::Result<()> {
    if args.accept.is_empty() {
        return Ok(());
    }
    let (mut ids, mut reasons) = (BTreeSet::new(), BTreeSet::new());
    for (id, reason) in &args.accept {
        ensure!(ids.insert(id) && reasons.insert(reason), "--accept: {id}={reason} comes twice");
        ensure!(
            taxonomy.reason(reason).is_none(),
            "--accept: {} has the reason `{reason}` already; choose another id, or widen its rule",
            args.taxonomy
        );
        let area = reason.as_str().split('.').next().unwrap_or("");
        let areas: Vec<&str> = taxonomy.areas().keys().map(String::as_str).collect();
        ensure!(
            areas.contains(&area),
            "--accept: `{reason}` is of no area of {}; there are {}",
            args.taxonomy,
            areas.join(", ")
        );
    }
    ensure!(args.name.is_none() || args.accept.len() == 1, "--name: accept one at a time");
    ensure!(
        !args.on.iter().any(|path| path == Path::new("-")),
        "--accept reads the texts more than once: name files, not standard input"
    );
    let there = args.write.as_deref().filter(|path| path.exists());
    if let Some(path) = there {
        let path = path.display();
        bail!(
            "--write: {path} is there already; name a new file, then compare the two with \
               `quell taxonomy diff`"
        );
    }
    Ok(())
}

/// Writes the reasons for the candidates that were accepted.
///
/// # Errors
/// There is no such candidate, its words make no rule, or what comes out does not load.
pub fn run(
    args: &TaxonomyDiscover,
    yaml: &str,
    search: &Search<'_>,
    found: &Found,
) -> anyhow::Result<Outcome> {
    let mut all: Vec<Accepted<'_>> = Vec::new();
    for (id, reason) in &args.accept {
        all.push(Accepted::of(*id, reason, found)?);
    }
    search.run(|contact, group| all.iter_mut().for_each(|one| one.place(contact, group)))?;
    let texts = drawn_texts(search, &all)?;
    let mut written = String::new();
    for one in &all {
        let fragment = one.fragment(args, &texts)?;
        eprintln!(
            "{}: its rule fires on {} of {} texts of {} and on {} of {} others{}",
            one.reason,
            fragment.hit,
            one.own.kept.len(),
            one.candidate.id,
            fragment.strays,
            one.others.kept.len(),
            if fragment.strays > fragment.hit { "; make it narrower by hand" } else { "" }
        );
        written.push_str(&fragment.yaml);
    }
    publish(args, yaml, &written)
}

fn publish(args: &TaxonomyDiscover, yaml: &str, written: &str) -> anyhow::Result<Outcome> {
    let file = with_reasons(yaml, written);
    if let Some(file) = &file
        && let Err(problems) = Taxonomy::parse(file, "the new catalogue")
    {
        bail!(
            "what was written does not load; accept less at a time, or write the rule by hand:{}",
            lines(&problems)
        );
    }
    let Some(path) = &args.write else {
        print!("{written}");
        return Ok(Outcome::Done);
    };
    let file = file.ok_or_else(|| {
        anyhow!(
            "the list `reasons:` of {} is not written one item a line; leave --write out, and put \
             what is printed into it",
            args.taxonomy
        )
    })?;
    let cannot = || format!("cannot write {}", path.display());
    let mut out =
        OpenOptions::new().write(true).create_new(true).open(path).with_context(cannot)?;
    out.write_all(file.as_bytes()).with_context(cannot)?;
    eprintln!(
        "{0}: read the new rules, then see what they would move: quell taxonomy diff {1} {0} --on …",
        path.display(),
        args.taxonomy
    );
    Ok(Outcome::Done)
}

/// A candidate that becomes a reason.
struct Accepted<'f> {
    candidate: &'f Candidate,
    reason: &'f ReasonId,
    groups: BTreeSet<CandidateId>,
    own: Drawn,
    others: Drawn,
}

impl<'f> Accepted<'f> {
    fn of(id: CandidateId, reason: &'f ReasonId, found: &'f Found) -> anyhow::Result<Accepted<'f>> {
        let is_it = |one: &&Candidate| one.id == id || one.absorbed.contains(&id);
        let Some(candidate) = found.candidates.iter().find(is_it) else {
            let known: Vec<String> =
                found.candidates.iter().map(|one| one.id.to_string()).collect();
            bail!(
                "--accept: there is no {id}; with these texts and options there are: {}",
                if known.is_empty() { "none".to_owned() } else { known.join(" ") }
            );
        };
        Ok(Accepted {
            candidate,
            reason,
            groups: candidate.absorbed.iter().copied().chain([candidate.id]).collect(),
            own: Drawn::of(MOST_OWN),
            others: Drawn::of(MOST_OTHERS),
        })
    }

    fn place(&mut self, contact: &ContactKey, group: Option<CandidateId>) {
        let is_own = group.is_some_and(|group| self.groups.contains(&group));
        let side = if is_own { &mut self.own } else { &mut self.others };
        side.add(contact);
    }

    fn fragment(
        &self,
        args: &TaxonomyDiscover,
        texts: &BTreeMap<ContactKey, (String, Language)>,
    ) -> anyhow::Result<Fragment> {
        let acceptance = Acceptance {
            id: self.reason,
            name: args.name.as_deref(),
            owner: args.owner.as_deref().unwrap_or(""),
        };
        let samples = |drawn: &Drawn| -> Vec<Sample<'_>> {
            let texts = drawn.kept.iter().filter_map(|(_, contact)| texts.get(contact));
            texts.map(|(text, language)| Sample { text, language: *language }).collect()
        };
        let own = samples(&self.own);
        let fragment = self.candidate.fragment(&acceptance, &own, &samples(&self.others));
        fragment.ok_or_else(|| {
            anyhow!(
                "no words tell {} (`{}`) from other texts well enough for a rule; write one by \
                 hand from its examples",
                self.candidate.id,
                self.candidate.name
            )
        })
    }
}

/// So many contacts, drawn by a hash of their ids: the same whatever their order.
struct Drawn {
    most: usize,
    kept: BTreeSet<(u64, ContactKey)>,
}

impl Drawn {
    fn of(most: usize) -> Drawn {
        Drawn { most, kept: BTreeSet::new() }
    }

    fn add(&mut self, contact: &ContactKey) {
        self.kept.insert((hash_of(contact.as_str()), contact.clone()));
        if self.kept.len() > self.most {
            self.kept.pop_last();
        }
    }
}

/// The texts of all that were drawn, redacted, with their languages.
fn drawn_texts(
    search: &Search<'_>,
    all: &[Accepted<'_>],
) -> anyhow::Result<BTreeMap<ContactKey, (String, Language)>> {
    let drawn = all.iter().flat_map(|one| one.own.kept.iter().chain(&one.others.kept));
    let wanted: BTreeSet<&ContactKey> = drawn.map(|(_, contact)| contact).collect();
    let mut tagger = search.tagger();
    let mut texts = BTreeMap::new();
    search.each_text(|text| {
        if wanted.contains(&text.id) {
            let language = tagger.tag(&text.input()).language;
            let language = Language::parse(&language).unwrap_or(Language::ANY);
            let pieces: Vec<&str> = text.pieces().collect();
            texts.insert(text.id.clone(), (pieces.join("\n"), language));
        }
        Ok(())
    })?;
    Ok(texts)
}
