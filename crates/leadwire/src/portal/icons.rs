//! Small pictures beside words, drawn in a square of sixteen.

/// Small pictures beside words; a picture alone never says anything.
pub(super) fn icon_of(name: &str) -> &'static str {
    match name {
        "overview" => r#"<path d="M2 9h4v5H2zM6 2h4v12H6zM10 6h4v8h-4z"/>"#,
        "leads" => r#"<circle cx="8" cy="5" r="3"/><path d="M2 14c0-3 2.5-5 6-5s6 2 6 5"/>"#,
        "deliveries" => r#"<path d="M1 8h11M8 4l4 4-4 4M15 2v12"/>"#,
        "failures" => r#"<path d="M8 1.5 15 14H1zM8 6v4M8 12v.5"/>"#,
        "kept" => r#"<path d="M2 5h12v9H2zM1 2h14v3H1zM6 8h4"/>"#,
        "destinations" => r#"<circle cx="8" cy="8" r="6.5"/><circle cx="8" cy="8" r="2.5"/>"#,
        "offers" => r#"<path d="M2 8V2h6l6 6-6 6zM5 5v.1"/>"#,
        "routes" => r#"<path d="M2 8h4l4-5h4M6 8l4 5h4M12 1l2 2-2 2M12 11l2 2-2 2"/>"#,
        "reports" => r#"<path d="M2 2v12h12M5 11l3-4 2 2 4-5"/>"#,
        "audit" => r#"<path d="M4 1.500h8v13H4zM6.500 5h3M6.500 8h3M6.500 11h3"/>"#,
        "settings" => {
            r#"<path d="M2 5h6M12 5h2M2 11h2M8 11h6"/><circle cx="10" cy="5" r="2"/><circle cx="6" cy="11" r="2"/>"#
        }
        "users" => {
            r#"<circle cx="5.5" cy="5" r="2.5"/><path d="M1 13c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M11 3a2.4 2.4 0 0 1 0 4.6M12 9.500c2 .4 3 1.700 3 3.500"/>"#
        }
        "delivered" | "open" | "ok" | "passed" => r#"<path d="m2.500 8.500 3.500 3.500 7.500-8"/>"#,
        "retrying" => r#"<path d="M13 8a5 5 0 1 1-1.500-3.500M13 1.500v3.500h-3.500"/>"#,
        "sending" => r#"<path d="M2 8h11M9 4l4 4-4 4"/>"#,
        "parked" | "bad" | "failed" | "warned" => r#"<path d="M8 2.500v7M8 12.500v.5"/>"#,
        "paused" => r#"<path d="M5 3v10M11 3v10"/>"#,
        "suppressed" => r#"<circle cx="8" cy="8" r="5.500"/><path d="m4 12 8-8"/>"#,
        "skipped" => r#"<circle cx="8" cy="8" r="5.500"/>"#,
        "erased" => r#"<path d="m4 4 8 8M12 4l-8 8"/>"#,
        _ => r#"<circle cx="8" cy="8" r="5.500"/><path d="M8 5v3.500l2 1.500"/>"#,
    }
}
