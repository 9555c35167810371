//! What Marketo's codes mean for forms: those of the REST API, and what the classic post answers.

use crate::catalogue::Known;
use crate::marketo::errors::ERRORS as REST;
use leadwire_core::outcome::Fault;
use std::time::Duration;

const fn known(
    code: &'static str,
    fault: Fault,
    cause: &'static str,
    (message, fix): (&'static str, &'static str),
    texts: &'static [&'static str],
) -> Known {
    Known { code, fault, cause, message, fix, texts }
}

/// Messages seen by public clients; the set is not documented.
#[rustfmt::skip]
pub(super) const CLASSIC: &[Known] = &[
    known("Rejected", Fault::Pause, "post_rejected", ("Marketo rejected the form post", "check Munchkin ID, form id and the names of the fields on the form; better, submit by the REST API"), &["Rejected"]),
    known("checksum missing", Fault::Pause, "checksum_wanted", ("Marketo wants a checksum that only its own page makes", "submit by the REST API instead"), &["checksum missing"]),
    known("checksum invalid", Fault::Pause, "checksum_wanted", ("Marketo wants a checksum that only its own page makes", "submit by the REST API instead"), &["checksum invalid"]),
    known("too_many_posts", Fault::HoldLane(Some(Duration::from_secs(60))), "rate_limited", ("thirty posts in a minute are all that Marketo takes from one address", ""), &[]),
];

const COUNT: usize = REST.len() + CLASSIC.len();

/// All of them.
pub(super) const ERRORS: &[Known] = &{
    let mut all = [CLASSIC[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = if at < REST.len() { REST[at] } else { CLASSIC[at - REST.len()] };
        at += 1;
    }
    all
};
