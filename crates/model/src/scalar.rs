//! Scalar values of attributes.

use serde::{Deserialize, Serialize};

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
#[derive(Serialize, Deserialize)]
enum TaggedScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum BareScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

macro_rules! scalar_form {
    ($form:ident) => {
        impl From<&Scalar> for $form {
            fn from(scalar: &Scalar) -> Self {
                match scalar {
                    Scalar::Bool(v) => $form::Bool(*v),
                    Scalar::Int(v) => $form::Int(*v),
                    Scalar::Float(v) => $form::Float(*v),
                    Scalar::Text(v) => $form::Text(v.clone()),
                }
            }
        }
        impl From<$form> for Scalar {
            fn from(form: $form) -> Self {
                match form {
                    $form::Bool(v) => Scalar::Bool(v),
                    $form::Int(v) => Scalar::Int(v),
                    $form::Float(v) => Scalar::Float(v),
                    $form::Text(v) => Scalar::Text(v),
                }
            }
        }
    };
}

scalar_form!(TaggedScalar);
scalar_form!(BareScalar);

impl Serialize for Scalar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            BareScalar::from(self).serialize(serializer)
        } else {
            TaggedScalar::from(self).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            BareScalar::deserialize(deserializer).map(Scalar::from)
        } else {
            TaggedScalar::deserialize(deserializer).map(Scalar::from)
        }
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
