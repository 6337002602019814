//! The configuration file: TOML, sections as the part of a key before its dot.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Keys, values and lines of a file.
///
/// # Errors
/// [`ConfigError`] where the file cannot be read or is not TOML, with the line.
pub fn read(path: &Path) -> Result<Vec<(String, String, usize)>, ConfigError> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        origin: name.to_string(),
        message: format!("cannot be read: {error}"),
        hint: None,
    })?;
    let table = DeTable::parse(&text).map_err(|error| {
        let line = line_of(&text, error.span().map_or(0, |span| span.start));
        ConfigError {
            origin: format!("{name}:{line}"),
            message: error.message().to_owned(),
            hint: Some("the file must be TOML".to_owned()),
        }
    })?;
    let mut found = Vec::new();
    flatten(&text, &name.to_string(), "", table.get_ref(), &mut found)?;
    Ok(found)
}

fn flatten(
    text: &str,
    name: &str,
    prefix: &str,
    table: &DeTable<'_>,
    found: &mut Vec<(String, String, usize)>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        let line = line_of(text, key.span().start);
        let key = format!("{prefix}{}", key.get_ref());
        let scalar = match value.get_ref() {
            DeValue::Table(inner) => {
                flatten(text, name, &format!("{key}."), inner, found)?;
                continue;
            }
            DeValue::Array(items) => {
                let words: Option<Vec<String>> =
                    items.iter().map(|item| scalar(item.get_ref())).collect();
                words.map(|words| words.join(","))
            }
            other => scalar(other),
        };
        let Some(scalar) = scalar else {
            return Err(ConfigError {
                origin: format!("{name}:{line}"),
                message: format!(
                    "`{key}` is neither text, number, switch, date nor a list of these"
                ),
                hint: None,
            });
        };
        found.push((key, scalar, line));
    }
    Ok(())
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        _ => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1
}
