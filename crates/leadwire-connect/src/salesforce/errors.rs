//! What Salesforce's error codes mean.
//!
//! Codes and statuses: REST API Developer Guide v62.0, "Status Codes and Error Responses"; restforce,
//! `lib/restforce/error_code.rb`; OAuth 2.0 errors: help.salesforce.com, `remoteaccess_oauth_flow_errors`.

use crate::catalogue::Known;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::Fault;
use std::time::Duration;

/// How long to wait when the day's calls are used up: the day is a rolling one, so some come back all the time.
pub(super) const DAY_HOLD: Duration = Duration::from_secs(15 * 60);
/// How long to wait when too many long requests run at once.
const CROWD_HOLD: Duration = Duration::from_secs(10);
const LATER: Fault = Fault::RetryAfter(None);
const SOMETIMES: Fault = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
const MAPPING_FIX: &str = "change the mapping of the field that is named, or the field in Salesforce";
const ACCESS_FIX: &str =
    "give the integration user access to Lead and to every mapped field, by profile or permission set";

const fn known(
    code: &'static str,
    fault: Fault,
    cause: &'static str,
    message: &'static str,
    fix: &'static str,
) -> Known {
    Known { code, fault, cause, message, fix, texts: &[] }
}

#[rustfmt::skip]
pub(super) const ERRORS: &[Known] = &[
    // The record.
    known("REQUIRED_FIELD_MISSING", Fault::Park, "field_missing", "a field that Salesforce requires has no value", "give the field that is named a row with a default in the mapping, or make it optional in Salesforce"),
    known("STRING_TOO_LONG", Fault::Park, "field_too_long", "a value is longer than its field", "validate the destination, which learns the lengths, then retry"),
    known("INVALID_EMAIL_ADDRESS", Fault::Park, "email_invalid", "Salesforce does not take the e-mail address", "mend the address, or leave Email out of the mapping"),
    known("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Fault::Park, "value_not_in_list", "a value is none of those that a restricted picklist takes", "map the value to one of the list, add it to the list in Salesforce, or make the list unrestricted"),
    known("FIELD_INTEGRITY_EXCEPTION", Fault::Park, "field_invalid", "a value does not fit its field, such as a country that is not in the list", "map country and state to the values of the lists in Salesforce"),
    known("FIELD_CUSTOM_VALIDATION_EXCEPTION", Fault::Park, "validation_rule", "a validation rule in Salesforce refused the lead", "see the rule's text in the answer; change the mapping or the rule"),
    known("FIELD_FILTER_VALIDATION_EXCEPTION", Fault::Park, "validation_rule", "a lookup filter in Salesforce refused the lead", MAPPING_FIX),
    known("INVALID_TYPE_ON_FIELD_IN_RECORD", Fault::Park, "field_invalid", "a value has the wrong type for its field", MAPPING_FIX),
    known("NUMBER_OUTSIDE_VALID_RANGE", Fault::Park, "field_invalid", "a number is outside of what its field takes", MAPPING_FIX),
    known("INVALID_CURRENCY_ISO", Fault::Park, "field_invalid", "a currency is not active in Salesforce", MAPPING_FIX),
    known("ENTITY_IS_DELETED", Fault::Park, "record_deleted", "the lead was deleted in Salesforce", "take it out of the recycle bin or empty the bin, then retry"),
    known("DELETED_RECORD", Fault::Park, "record_deleted", "the lead was deleted in Salesforce", "take it out of the recycle bin or empty the bin, then retry"),
    known("DUPLICATE_VALUE", Fault::Park, "value_not_unique", "a value that must be unique is used by another record", "see which field the answer names; leave it out of the mapping, or merge the records"),
    known("DUPLICATES_DETECTED", Fault::Park, "duplicate_found", "a duplicate rule found a record of the same person", "merge or convert the record that is there, or choose `link` or `force` for duplicates, then retry"),
    known("DUPLICATE_EXTERNAL_ID", Fault::Pause, "key_not_unique", "several leads have the same Leadwire id", "mark the external id field as Unique, and merge the leads that share an id"),
    known("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Fault::Park, "automation_failed", "a trigger or flow in Salesforce failed", "see the answer for the trigger or flow; have it mended, then retry"),
    known("CANNOT_EXECUTE_FLOW_TRIGGER", Fault::Park, "automation_failed", "a flow in Salesforce failed", "see the answer for the flow; have it mended, then retry"),
    known("INVALID_QUERY_LOCATOR", LATER, "page_expired", "the rest of an answer is not there any more", ""),
    // Settings, schema and permission.
    known("INVALID_FIELD", Fault::Pause, "field_unknown", "a mapped field does not exist, or the integration user cannot see it", ACCESS_FIX),
    known("INVALID_FIELD_FOR_INSERT_UPDATE", Fault::Pause, "field_not_writable", "a mapped field may not be written by the integration user", ACCESS_FIX),
    known("MALFORMED_ID", Fault::Pause, "id_invalid", "an id in the mapping is not an id, such as that of an owner or record type", "enter the 15 or 18 characters that Salesforce shows in the address of the record"),
    known("INVALID_CROSS_REFERENCE_KEY", Fault::Pause, "id_unknown", "an owner, record type or campaign in the mapping does not exist, or may not be used by the integration user", "check the ids in the mapping, and the user's access to the record type"),
    known("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Fault::Pause, "access_missing", "the integration user may not use an owner, record type or campaign of the mapping", ACCESS_FIX),
    known("INSUFFICIENT_ACCESS", Fault::Pause, "access_missing", "the integration user may not do this", ACCESS_FIX),
    known("INSUFFICIENT_ACCESS_OR_READONLY", Fault::Pause, "access_missing", "the integration user may not write this", ACCESS_FIX),
    known("INVALID_TYPE", Fault::Pause, "access_missing", "Lead does not exist here, or the integration user cannot see it", ACCESS_FIX),
    known("INACTIVE_OWNER_OR_USER", Fault::Pause, "owner_inactive", "the owner of the lead is not active", "let the mapping or the assignment rule name an active owner"),
    known("INVALID_ASSIGNMENT_RULE", Fault::Pause, "assignment_rule_unknown", "the assignment rule does not exist", "enter `run`, `none` or the id of an active rule for leads"),
    known("API_DISABLED_FOR_ORG", Fault::Pause, "api_off", "the API is not enabled for this org or user", "use an edition with API access, and give the integration user `API Enabled`"),
    known("API_CURRENTLY_DISABLED", Fault::Pause, "api_off", "the API is switched off", "ask Salesforce or the administrator to switch it on"),
    known("STORAGE_LIMIT_EXCEEDED", Fault::Pause, "storage_full", "the org has no storage left", "free or buy storage, then resume"),
    known("NOT_FOUND", Fault::Pause, "not_found", "the external id field or Lead was not found, or the integration user cannot see it", "have `destination prepare` make the field, or make it by hand: Text 40, External ID, Unique; then give the user access to it"),
    known("METHOD_NOT_ALLOWED", Fault::Pause, "request_refused", "Salesforce refused the kind of request", "check the API version"),
    known("UNSUPPORTED_API_VERSION", Fault::Pause, "version_unknown", "the API version is not offered by this org", "enter a version the org offers, such as v62.0"),
    known("JSON_PARSER_ERROR", Fault::SmallerBatch, "request_refused", "Salesforce could not read the request", MAPPING_FIX),
    known("MALFORMED_QUERY", Fault::Pause, "request_refused", "Salesforce could not read the query", "check the name of the external id field"),
    known("INVALID_QUERY_LOCATOR", LATER, "query_expired", "a query was taken too long over", ""),
    known("TOO_MANY_ENUM_VALUE", Fault::Park, "field_invalid", "a list has too many values", MAPPING_FIX),
    known("INVALID_AUTH_HEADER", Fault::Pause, "sign_in_refused", "Salesforce refused how Leadwire signs in", "check consumer key and secret"),
    known("INVALID_SESSION_ID", Fault::Pause, "token_refused", "Salesforce refused a new access token", "check that the app may use the API (scope `api`) and that no policy ends its sessions"),
    // Passing trouble.
    known("UNABLE_TO_LOCK_ROW", LATER, "record_locked", "somebody else was changing the record", ""),
    known("SERVER_UNAVAILABLE", LATER, "service_unavailable", "Salesforce is not available right now", ""),
    known("UNKNOWN_EXCEPTION", LATER, "service_failed", "Salesforce failed inside", ""),
    known("APEX_ERROR", LATER, "service_failed", "code in Salesforce failed", ""),
    known("QUERY_TIMEOUT", LATER, "service_slow", "Salesforce took too long over a query", ""),
    known("REQUEST_RUNNING_TOO_LONG", LATER, "service_slow", "Salesforce took too long", ""),
    known("TXN_SECURITY_METERING_ERROR", LATER, "service_slow", "a transaction security policy took too long", ""),
    known("ALL_OR_NONE_OPERATION_ROLLED_BACK", LATER, "rolled_back", "the lead was taken back because of another one", ""),
    known("PROCESSING_HALTED", LATER, "rolled_back", "the lead was not tried because of another one", ""),
    known("REQUEST_LIMIT_EXCEEDED", Fault::HoldLane(Some(DAY_HOLD)), "daily_calls_used_up", "the org has used up its API calls of the last 24 hours", "wait, buy more API calls, or find the integration that uses so many (Setup, System Overview)"),
    known("CONCURRENT_REQUESTS", Fault::HoldLane(Some(CROWD_HOLD)), "too_many_at_once", "too many long requests run in the org at once", ""),
    // Tokens.
    known("invalid_client", Fault::Pause, "client_refused", "Salesforce refused the consumer secret or certificate", "enter the consumer secret again, or upload the certificate of the private key to the app"),
    known("invalid_client_id", Fault::Pause, "client_unknown", "Salesforce does not know the consumer key", "enter the consumer key again; a new app takes up to ten minutes to become known"),
    known("invalid_grant", Fault::Pause, "sign_in_refused", "Salesforce refused to sign the integration user in", "check the app's policies: a Run As user, or pre-authorised users; and that the user is active and may sign in from here"),
    known("invalid_assertion", Fault::Pause, "assertion_refused", "Salesforce refused the signed assertion", "upload the certificate of the private key to the app, and check the audience"),
    known("unsupported_grant_type", Fault::Pause, "flow_off", "this way of signing in is not enabled", "enable the client credentials flow or the JWT bearer flow in the app's OAuth settings"),
    known("invalid_request", Fault::Pause, "sign_in_refused", "Salesforce could not read the request for a token", "check the My Domain URL"),
    known("invalid_scope", Fault::Pause, "scope_missing", "the app does not have the scope", "add the scope `api` to the app"),
    known("inactive_user", Fault::Pause, "user_inactive", "the integration user is frozen or inactive", "activate the user"),
    known("inactive_org", Fault::Pause, "org_inactive", "the org is locked or closed", "ask Salesforce to unlock it"),
    known("rate_limit_exceeded", Fault::HoldLane(None), "too_many_logins", "too many sign-ins", ""),
    known("no_run_as_user", Fault::Pause, "run_as_missing", "the app has no Run As user", "in the app's policies, enable the client credentials flow and choose a Run As user"),
    known("wrong_domain", Fault::Pause, "wrong_domain", "tokens are not given at this address", "enter the My Domain URL, such as https://acme.my.salesforce.com, instead of login.salesforce.com"),
    known("user_not_approved", Fault::Pause, "user_not_approved", "the integration user is not pre-authorised for the app", "set the app's policy to `Admin approved users are pre-authorized` and add the user's profile or permission set"),
    known("wrong_audience", Fault::Pause, "wrong_audience", "the audience is not the one of this org", "use https://login.salesforce.com for production and https://test.salesforce.com for a Salesforce sandbox"),
    known("assertion_expired", Fault::RetryThenPause { attempts: 2 }, "assertion_expired", "Salesforce finds the signed assertion too old", "set the clock of the machine Leadwire runs on"),
    // Without a code.
    known("http_300", Fault::Pause, "key_not_unique", "several leads have the same Leadwire id", "mark the external id field as Unique, and merge the leads that share an id"),
    known("http_redirect", SOMETIMES, "endpoint_redirects", "the address leads elsewhere", "enter the My Domain URL as Setup shows it"),
    known("http_410", Fault::Pause, "version_retired", "the API version is retired", "enter a version the org offers, such as v62.0"),
    known("http_413", Fault::SmallerBatch, "too_large", "the batch is too large", "shorten the mapped texts"),
    known("http_414", Fault::SmallerBatch, "too_large", "the address of a request became too long", ""),
    known("http_420", LATER, "service_unavailable", "Salesforce does not know for now where the org runs", ""),
    known("session_not_for_api", Fault::Pause, "session_not_for_api", "the integration user may not use the REST API", "give the app the scope `api`, and the user `API Enabled`"),
];
