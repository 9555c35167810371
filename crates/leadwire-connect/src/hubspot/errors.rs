//! What HubSpot's codes mean (developers.hubspot.com, "Error handling" and "Usage guidelines"; contract section 4.5).

use crate::catalogue::Known;
use leadwire_core::outcome::Fault;
use std::time::Duration;

/// Codes found in `category`, in an embedded `error`, or in `policyName`.
pub(super) const ERRORS: &[Known] = &[
    Known::new(
        "PROPERTY_DOESNT_EXIST",
        Fault::Pause,
        (
            "field_unknown",
            "HubSpot has no such contact property",
            "make the property in HubSpot, or take its row out of the mapping; names are internal names, not labels",
        ),
        &["does not exist"],
    ),
    Known::new(
        "INVALID_OPTION",
        Fault::Pause,
        (
            "choice_unknown",
            "a property takes only certain options, and the mapping gave another",
            "add the option in HubSpot, or map the value to one there is; `leadwire destination validate` reads the options",
        ),
        &["was not one of the allowed options"],
    ),
    Known::new(
        "READ_ONLY_VALUE",
        Fault::Pause,
        ("field_read_only", "a property cannot be written", "take its row out of the mapping"),
        &["is a read only property"],
    ),
    Known::new(
        "INVALID_EMAIL",
        Fault::Park,
        (
            "email_invalid",
            "HubSpot does not take the e-mail address",
            "mend the address, then retry the lead",
        ),
        &["is not a valid email", "is invalid"],
    ),
    Known::new(
        "INVALID_INTEGER",
        Fault::Park,
        (
            "number_invalid",
            "a property takes numbers only",
            "map the value with `number`, or to another property",
        ),
        &[],
    ),
    Known::new(
        "INVALID_DATE",
        Fault::Park,
        ("date_invalid", "a property takes dates only", "map the value with `date` or `unix_milliseconds`"),
        &[],
    ),
    Known::new(
        "VALIDATION_ERROR",
        Fault::Park,
        (
            "refused",
            "HubSpot refused the contact",
            "see HubSpot's words in the attempt; a rule set up in HubSpot may want a field that the lead does not have",
        ),
        &["Property values were not valid"],
    ),
    Known::new(
        "INVALID_AUTHENTICATION",
        Fault::Pause,
        (
            "token_refused",
            "HubSpot does not take the key",
            "enter the service key again; HubSpot switches off keys that were published, and a private app may be deleted",
        ),
        &["Authentication credentials not found", "authentication credentials"],
    ),
    Known::new(
        "EXPIRED_AUTHENTICATION",
        Fault::Pause,
        ("token_expired", "the key has expired", "make a service key, which does not expire, and enter it"),
        &[],
    ),
    Known::new(
        "MISSING_SCOPES",
        Fault::Pause,
        (
            "permission_missing",
            "the key may not write contacts",
            "give the key the scopes crm.objects.contacts.read and crm.objects.contacts.write",
        ),
        &["required scopes"],
    ),
    Known::new(
        "OBJECT_NOT_FOUND",
        Fault::Park,
        ("record_gone", "the contact is not there any more", "retry the lead to make the contact anew"),
        &["resource not found"],
    ),
    Known::new(
        "TEN_SECONDLY_ROLLING",
        Fault::HoldLane(Some(Duration::from_secs(10))),
        ("rate_limited", "HubSpot had too many calls within ten seconds", ""),
        &["ten_secondly_rolling"],
    ),
    Known::new(
        "SECONDLY",
        Fault::HoldLane(Some(Duration::from_secs(1))),
        ("rate_limited", "HubSpot had too many calls within a second", ""),
        &["secondly limit"],
    ),
    Known::new(
        "DAILY",
        // The day ends at midnight of the account's time zone, which is not told: an hour is asked again.
        Fault::HoldLane(Some(Duration::from_secs(3600))),
        (
            "daily_limit",
            "the account's calls of this day are used up",
            "leads wait until midnight of the HubSpot account; if it happens often, see which integration uses them",
        ),
        &["daily limit"],
    ),
    Known::new(
        "RATE_LIMITS",
        Fault::HoldLane(Some(Duration::from_secs(10))),
        ("rate_limited", "HubSpot had too many calls", ""),
        &["rate limit"],
    ),
];
