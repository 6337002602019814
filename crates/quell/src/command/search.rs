//! `quell search`

use anyhow::{Context, bail};

use quell_index::{Filters, Hit, SearchRequest, SearchResponse, Searcher, Sort};

use crate::Outcome;
use crate::args::{Format, Search};
use crate::output::{Row, print_rows, text};
use crate::remote::Source;
use crate::wiring::time;

pub fn run(args: &Search) -> anyhow::Result<Outcome> {
    let request = request(args)?;
    let response = match args.place.source()? {
        Source::Running(remote) => remote.get("/v1/search", &parameters(args))?,
        Source::Folder(dir) => Searcher::open(dir.join("index"))?.search(&request)?,
    };
    print(args.output.format(), &response)?;
    Ok(Outcome::Done)
}

fn request(args: &Search) -> anyhow::Result<SearchRequest> {
    let repeat = args.repeat.as_deref().map(|mode| {
        serde_json::from_value(serde_json::Value::String(mode.to_owned())).with_context(|| {
            format!("--repeat: `{mode}` is none of any_reason, same_reason, same_issue")
        })
    });
    let mut filters = Filters {
        reasons: args.reason.clone(),
        channels: args.channel.clone(),
        languages: args.language.clone(),
        from: args.from.as_deref().map(|from| time("--from", from)).transpose()?,
        to: args.to.as_deref().map(|to| time("--to", to)).transpose()?,
        repeat: repeat.transpose()?,
        ..Filters::default()
    };
    for pair in &args.attribute {
        let Some((name, value)) = pair.split_once('=') else {
            bail!("--attribute: write NAME=VALUE, such as version=67.0, instead of `{pair}`");
        };
        filters.attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(SearchRequest {
        query: args.query.clone(),
        filters,
        sort: if args.relevance { Sort::Relevance } else { Sort::Newest },
        limit: args.limit,
        offset: 0,
    })
}

fn parameters(args: &Search) -> Vec<(String, String)> {
    let mut parameters = vec![("limit".to_owned(), args.limit.to_string())];
    let mut add = |name: &str, values: &mut dyn Iterator<Item = &String>| {
        parameters.extend(values.map(|value| (name.to_owned(), value.clone())));
    };
    add("q", &mut args.query.iter());
    add("reason", &mut args.reason.iter());
    add("channel", &mut args.channel.iter());
    add("language", &mut args.language.iter());
    add("from", &mut args.from.iter());
    add("to", &mut args.to.iter());
    add("repeat", &mut args.repeat.iter());
    if args.relevance {
        add("sort", &mut [&"relevance".to_owned()].into_iter());
    }
    let attributes = args.attribute.iter().filter_map(|pair| pair.split_once('='));
    parameters
        .extend(attributes.map(|(name, value)| (format!("attribute.{name}"), value.to_owned())));
    parameters
}

fn print(format: Format, response: &SearchResponse) -> anyhow::Result<()> {
    let columns = [
        text("occurred_at"),
        text("contact"),
        text("channel"),
        text("lang"),
        text("reasons"),
        text("repeat"),
        text("subject"),
    ];
    let rows: anyhow::Result<Vec<Row>> = response.hits.iter().map(row).collect();
    print_rows(format, &columns, &rows?, response)?;
    if format == Format::Table {
        eprintln!(
            "{} of {} contacts, {} ms",
            response.hits.len(),
            response.total,
            response.took_ms
        );
    }
    Ok(())
}

fn row(hit: &Hit) -> anyhow::Result<Row> {
    let contact = &hit.contact;
    let repeat = if contact.repeats.is_empty() {
        String::new()
    } else {
        format!("{} (#{})", contact.repeats.join(" "), contact.chain_position)
    };
    let subject: String = contact.subject.as_deref().unwrap_or("").chars().take(60).collect();
    Ok(Row {
        cells: vec![
            contact.occurred_at.to_string(),
            contact.contact_id.clone(),
            contact.channel.clone(),
            contact.language.clone(),
            contact.reasons.join(" "),
            repeat,
            subject,
        ],
        value: serde_json::to_value(hit)?,
    })
}
