//! The schema, as the steps that led to it: one text for both engines.

/// Every step with its number, in order. A step that has shipped is never changed.
pub(crate) const STEPS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_first.sqlite.sql")),
    (2, include_str!("migrations/0002_publisher_keys.sqlite.sql")),
    (3, include_str!("migrations/0003_notices.sqlite.sql")),
    (4, include_str!("migrations/0004_standing.sqlite.sql")),
    (5, include_str!("migrations/0005_listings.sqlite.sql")),
    (6, include_str!("migrations/0006_routing.sqlite.sql")),
    (7, include_str!("migrations/0007_merges.sqlite.sql")),
    (8, include_str!("migrations/0008_erasure.sqlite.sql")),
    (9, include_str!("migrations/0009_feedback.sqlite.sql")),
    (10, include_str!("migrations/0010_follow_ups.sqlite.sql")),
    (11, include_str!("migrations/0011_withhold.sqlite.sql")),
    (12, include_str!("migrations/0012_audit.sqlite.sql")),
    (13, include_str!("migrations/0013_failures.sqlite.sql")),
    (14, include_str!("migrations/0014_erasure_plans.sqlite.sql")),
    (15, include_str!("migrations/0015_replays.sqlite.sql")),
    (16, include_str!("migrations/0016_told.sqlite.sql")),
    (17, include_str!("migrations/0017_breaker.sqlite.sql")),
    (18, include_str!("migrations/0018_budgets.sqlite.sql")),
    (19, include_str!("migrations/0019_bulk.sqlite.sql")),
    (20, include_str!("migrations/0020_users.sqlite.sql")),
    (21, include_str!("migrations/0021_nodes.sqlite.sql")),
    (23, include_str!("migrations/0023_moving.sqlite.sql")),
    (24, include_str!("migrations/0024_search.sqlite.sql")),
    (25, include_str!("migrations/0025_finding.sqlite.sql")),
    (26, include_str!("migrations/0026_second_factor.sqlite.sql")),
    (27, include_str!("migrations/0027_portal_link.sqlite.sql")),
    (28, include_str!("migrations/0028_sign_in.sqlite.sql")),
    (29, include_str!("migrations/0029_people.sqlite.sql")),
    (30, include_str!("migrations/0030_kept.sqlite.sql")),
];

/// The number of the last step that this program knows.
pub(crate) fn known() -> i64 {
    STEPS.last().map_or(0, |it| it.0)
}
