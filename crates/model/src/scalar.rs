//! Scalar values of attributes.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A scalar attribute value. In JSON the bare value; in binary rows a tagged one.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// true or false
    Bool(bool),
    /// a whole number
    Int(i64),
    /// any other number
    Float(f64),
    /// text
    Text(String),
}

/// The tagged form, for formats that do not describe themselves.
#[derive(Deserialize)]
enum TaggedScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match self {
                Scalar::Bool(value) => serializer.serialize_bool(*value),
                Scalar::Int(value) => serializer.serialize_i64(*value),
                Scalar::Float(value) => serializer.serialize_f64(*value),
                Scalar::Text(value) => serializer.serialize_str(value),
            };
        }
        const NAME: &str = "TaggedScalar";
        match self {
            Scalar::Bool(value) => serializer.serialize_newtype_variant(NAME, 0, "Bool", value),
            Scalar::Int(value) => serializer.serialize_newtype_variant(NAME, 1, "Int", value),
            Scalar::Float(value) => serializer.serialize_newtype_variant(NAME, 2, "Float", value),
            Scalar::Text(value) => serializer.serialize_newtype_variant(NAME, 3, "Text", value),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(BareScalar);
        }
        Ok(match TaggedScalar::deserialize(deserializer)? {
            TaggedScalar::Bool(value) => Scalar::Bool(value),
            TaggedScalar::Int(value) => Scalar::Int(value),
            TaggedScalar::Float(value) => Scalar::Float(value),
            TaggedScalar::Text(value) => Scalar::Text(value),
        })
    }
}

/// Takes the value that stands there, whatever its type.
struct BareScalar;

impl Visitor<'_> for BareScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a number or text")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(value))
    }
}

impl Scalar {
    /// The value as dimension text.
    pub fn to_text(&self) -> String {
        match self {
            Scalar::Bool(v) => v.to_string(),
            Scalar::Int(v) => v.to_string(),
            Scalar::Float(v) => v.to_string(),
            Scalar::Text(v) => v.clone(),
        }
    }
}
