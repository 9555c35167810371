//! The sample leads, embedded, so that the demo needs nothing beside the program.

/// A sample: its name under `samples/`, the content type it is sent with, and its bytes.
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: &'static [u8],
}

macro_rules! sample {
    ($name:literal, $content_type:expr) => {
        Sample {
            name: $name,
            content_type: $content_type,
            body: include_bytes!(concat!("../../../../../samples/", $name)),
        }
    };
}

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const FORM: &str = "application/x-www-form-urlencoded";

/// What marketplaces post to an intake address, in the order of the story.
pub(super) const MARKETPLACE: &[Sample] = &[
    sample!("partner-center/01-get-it-now.json", JSON),
    sample!("partner-center/02-get-it-now-separate-code.json", JSON),
    sample!("partner-center/03-lower-camel-keys.json", JSON),
    sample!("partner-center/04-missing-fields.json", JSON),
    sample!("partner-center/05-unknown-action.json", JSON),
    sample!("partner-center/06-contact-me.json", JSON),
    sample!("partner-center/07-appsource-long-name.json", JSON),
    sample!("partner-center/08-portal-purchase.json", JSON),
    sample!("partner-center/09-test-drive.json", JSON),
    sample!("partner-center/10-do-not-contact.json", JSON),
    sample!("partner-center/11-packed-object.json", JSON),
    sample!("partner-center/12-packed-text.json", JSON),
    sample!("partner-center/13-numbers-for-text.json", JSON),
    sample!("partner-center/14-turkish.json", JSON),
    sample!("partner-center/15-hungarian.json", JSON),
    sample!("partner-center/16-appexchange-duplicate.json", JSON),
    sample!("partner-center/17-test-lead.json", JSON),
    sample!("partner-center/18-test-lead.form", FORM),
    sample!("partner-center/19-test-lead-without-comma.json", JSON),
    sample!("partner-center/20-cut-short.json", JSON),
];

/// What a program sends to the API. The CSV file is for the command line's `send`.
pub(super) const API: &[Sample] = &[
    sample!("api/01-one.json", JSON),
    sample!("api/02-several.ndjson", NDJSON),
    sample!("api/04-array.json", JSON),
];

/// One customer's seven actions on two offers, a line each; the demo tells them as a story.
pub(super) const JOURNEY: Sample = sample!("api/05-journey.ndjson", NDJSON);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_the_demo() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
        let mut on_disk = Vec::new();
        for part in ["partner-center", "api"] {
            for entry in std::fs::read_dir(folder.join(part)).unwrap() {
                on_disk.push(format!("{part}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
        on_disk.retain(|it| !it.ends_with(".csv"));
        on_disk.sort();
        let mut embedded: Vec<String> =
            MARKETPLACE.iter().chain(API).chain([&JOURNEY]).map(|it| it.name.to_owned()).collect();
        embedded.sort();
        assert_eq!(embedded, on_disk);
    }
}
