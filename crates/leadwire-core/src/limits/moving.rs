//! Bounds of moving a store from one engine to the other.

/// Rows that come over in one transaction; each may have [`super::TOUCHPOINT_BYTES_MAX`] bytes, and all are in memory.
pub const MOVE_ROWS: usize = 512;
/// Of them, rows in one statement: with the most columns of a table it stays below what SQLite binds (32,766).
pub const MOVE_TOGETHER: usize = 64;
