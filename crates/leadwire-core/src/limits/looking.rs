//! Bounds of what people look at: mappings that are tried, steps of a proof, and figures that take long to count.

/// Leads on which another mapping is tried at once, the newest: some ten milliseconds of reading and mapping.
pub const BACK_TEST_MAX: usize = 100;
/// Values before and after that a back-test shows of one field: enough to see what a row does.
pub const BACK_TEST_EXAMPLES_MAX: usize = 3;
/// Versions of a mapping that are listed, the newest: nobody goes back further by hand.
pub const MAPPING_VERSIONS_SHOWN_MAX: usize = 100;
/// Steps of a proof that wait for a slow browser; the longest proof has a dozen.
pub const PROOF_STEPS_WAITING: usize = 64;
/// Proofs of destinations that go on at a time for people who may have left: each waits mostly for a system that is slow.
pub const PROOFS_UNDER_WAY_MAX: usize = 64;
/// Rows that are counted for each who looks at a page: some ten milliseconds. Figures of more are shown as they were a while ago.
pub const FIGURES_AT_ONCE_MAX: u64 = 5000;
/// How long such a figure is shown before it is counted anew, in microseconds for each of its rows: a minute at six million.
pub const FIGURE_FRESH_MICROS_PER_ROW: u64 = 10;
/// Figures that are kept: three of each of a thousand publishers.
pub const FIGURES_KEPT_MAX: usize = 3000;
/// Reports of days that somebody chose that are kept, and that wait to be counted: for as many people who look at once, at some
/// hundred kilobytes each.
pub const CHOSEN_REPORTS_KEPT_MAX: usize = 64;
/// Saved views that somebody may have of one publisher's pages: more would not be found again.
pub const VIEWS_MAX: usize = 30;
/// Longest name of a saved view, in bytes: a link in a row of links.
pub const VIEW_NAME_BYTES_MAX: usize = 120;
/// Longest address that a saved view keeps, in bytes: a few choices of a page.
pub const VIEW_QUERY_BYTES_MAX: usize = 1000;
/// Longest text of our own that is looked up in another language, in bytes: the longest we say has some hundreds, and what it is
/// about some thousands.
pub const TOLD_BYTES_MAX: usize = 8 * 1024;
/// How deep what we say stands in what we say: a fix in a sentence with its full stop, behind a code.
pub const TOLD_DEPTH_MAX: usize = 4;
/// Places at which something that is put together is taken apart, to look its parts up: three parts are the most that we say.
pub const TOLD_PARTS_MAX: usize = 4;
/// Texts that are tried for one that is looked up: what we say takes a few dozen, and each some ten microseconds.
pub const TOLD_TRIES_MAX: usize = 300;
/// Longest name of a time zone; those of the IANA database are shorter than 33 bytes.
pub const ZONE_BYTES_MAX: usize = 64;
