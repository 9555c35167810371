//! Bounds of what people look at: mappings that are tried, steps of a proof, and figures that take long to count.

/// Leads on which another mapping is tried at once, the newest: some ten milliseconds of reading and mapping.
pub const BACK_TEST_MAX: usize = 100;
/// Values before and after that a back-test shows of one field: enough to see what a row does.
pub const BACK_TEST_EXAMPLES_MAX: usize = 3;
/// Versions of a mapping that are listed, the newest: nobody goes back further by hand.
pub const MAPPING_VERSIONS_SHOWN_MAX: usize = 100;
/// Steps of a proof that wait for a slow browser; the longest proof has a dozen.
pub const PROOF_STEPS_WAITING: usize = 64;
/// Rows that are counted for each who looks at a page: some ten milliseconds. Figures of more are shown as they were a while ago.
pub const FIGURES_AT_ONCE_MAX: u64 = 5000;
/// How long such a figure is shown before it is counted anew, in microseconds for each of its rows: a minute at six million.
pub const FIGURE_FRESH_MICROS_PER_ROW: u64 = 10;
/// Figures that are kept: three of each of a thousand publishers.
pub const FIGURES_KEPT_MAX: usize = 3000;
/// Saved views that somebody may have of one publisher's pages: more would not be found again.
pub const VIEWS_MAX: usize = 30;
/// Longest name of a saved view, in bytes: a link in a row of links.
pub const VIEW_NAME_BYTES_MAX: usize = 120;
/// Longest address that a saved view keeps, in bytes: a few choices of a page.
pub const VIEW_QUERY_BYTES_MAX: usize = 1000;
