//! The rules of architecture and style as functions of text: each returns its complaints, as sentences.
//!
//! They know no file system; `tests/tidy.rs` walks the project and holds the tables of exceptions.

pub mod paper;
pub mod rust_text;
pub mod source;
pub mod sql;
pub mod walls;
