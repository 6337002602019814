//! Tests that cross crate borders.
