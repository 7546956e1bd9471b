//! Numbers as pictures: what every chart, sparkline and gauge is drawn with.
//!
//! Pictures are texts, so that they can stand wherever text does, and nothing
//! is told by colour alone. A [`Scale`] says what the full height stands for;
//! [`spark`] draws in one line, [`braille`] in as many as there are.

pub(in super::super) mod braille;
mod scale;
pub(in super::super) mod spark;

pub(in super::super) use scale::Scale;
