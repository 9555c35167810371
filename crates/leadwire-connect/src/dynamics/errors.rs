//! What the codes of Dataverse mean: learn.microsoft.com, `power-apps/developer/data-platform`, pages
//! `reference/web-service-error-codes`, `webapi/compose-http-requests-handle-errors` and `api-limits`.
//!
//! The texts are those the marketplace's own lead writer prints, as its support pages list them.

use crate::catalogue::Known;
use crate::entra;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::Fault;

const LATER: Fault = Fault::RetryAfter(None);
const MAPPING_FIX: &str = "change the mapping of the column that is named, or the column in Dynamics; then validate the destination";
const ROLE_FIX: &str = "give the application user a security role that may create, read and write leads: Power Platform admin center, Environments, Settings, Users + permissions, Application users";
const ADDRESS_FIX: &str = "enter the environment URL as the Power Platform admin center shows it, such as https://contoso.crm4.dynamics.com";

/// Own codes, and those of signing in.
pub(super) static ERRORS: &[Known] = &entra::with_own::<{ OWN.len() + entra::ERRORS.len() }>(OWN);

#[rustfmt::skip]
pub(super) const OWN: &[Known] = &[
    // Of one lead.
    Known::new("0x80044331", Fault::Park, ("field_too_long", "a value is longer than its column", MAPPING_FIX), &["exceeded the maximum allowed length"]),
    Known::new("0x8004431a", Fault::Park, ("field_invalid", "a choice is none of its column's", MAPPING_FIX), &["is outside the valid range. Accepted Values"]),
    Known::new("0x80040203", Fault::Park, ("field_invalid", "a value is not what its column takes", MAPPING_FIX), &[]),
    Known::new("0x80040265", Fault::Park, ("plugin_refused", "a plug-in or flow in Dynamics refused the lead", "see the answer for what it says; have it mended, then retry"), &[]),
    Known::new("0x80040217", Fault::Park, ("lookup_missing", "a row the lead points at does not exist, such as its owner or campaign", "check the rows of the mapping that end in `@odata.bind`"), &[]),
    Known::new("0x80060891", Fault::Park, ("lookup_missing", "no row has the alternate key the lead points at", "check the rows of the mapping that end in `@odata.bind`"), &["A record with the specified key values does not exist"]),
    Known::new("0x80040333", Fault::Park, ("duplicate_found", "a duplicate detection rule found a record of the same person", "merge the records, or choose `create` or `deliver` for duplicates; then retry"), &["because a duplicate of the current record already exists"]),
    Known::new("0x80060892", Fault::Park, ("key_taken", "another alternate key holds one of the lead's values already", "see the answer for the key; merge the records, or leave the column out of the mapping"), &[]),
    Known::new("0x80040237", Fault::Park, ("already_there", "the lead is there already", "nothing, or merge the records"), &["A record with matching key values already exists", "Cannot insert duplicate key"]),
    Known::new("0x8004022e", Fault::Park, ("lead_closed", "the lead is read-only there", "nothing: it was qualified or disqualified"), &["cannot be updated because it is read-only", "Cannot Update a Read-Only Entity"]),
    // Settings, schema and permission.
    Known::new("0x80048d19", Fault::Pause, ("field_unknown", "Dynamics could not read the lead: a mapped column does not exist, or takes another type", MAPPING_FIX), &[]),
    Known::new("0x0", Fault::Pause, ("field_unknown", "a mapped column does not exist", MAPPING_FIX), &["Invalid property"]),
    Known::new("0x80060888", Fault::Pause, ("field_unknown", "a column does not exist", MAPPING_FIX), &["Could not find a property named"]),
    Known::new("key_unknown", Fault::Pause, ("key_unknown", "there is no alternate key of that column", "have `destination prepare` make it, or name the column of a key that is active"), &["The key in the request URI is not valid for resource"]),
    Known::new("0x80072560", Fault::Pause, ("app_user_missing", "the app is not a user of the environment", "add the app as an application user, with a security role: Power Platform admin center, Environments, Settings, Users + permissions, Application users"), &["The user is not a member of the organization"]),
    Known::new("0x80040220", Fault::Pause, ("privilege_missing", "the application user lacks a privilege", ROLE_FIX), &["Principal user", "SecLib::CrmCheckPrivilege failed"]),
    Known::new("0x80048306", Fault::Pause, ("privilege_missing", "the application user may not do this", ROLE_FIX), &["SecLib::AccessCheckEx failed"]),
    Known::new("0x80042f09", Fault::Pause, ("role_missing", "the application user has no security role", ROLE_FIX), &["no roles are assigned to user"]),
    Known::new("column_locked", Fault::Pause, ("column_locked", "a mapped column is secured, and the application user may not write it", "give the application user a column security profile that may create and update the column, or leave it out of the mapping"), &["does not have create permissions for the", "does not have update permissions for the"]),
    Known::new("0x8006088a", Fault::Pause, ("table_unknown", "the environment has no table of leads", "install Dynamics 365 Sales in the environment, or enter the URL of another one"), &["Resource not found for the segment"]),
    Known::new("address_wrong", Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }, ("address_wrong", "what answers there is not the Web API of an environment", ADDRESS_FIX), &["The request channel timed out while waiting for a reply", "No HTTP resource was found that matches the request URI"]),
    Known::new("token_refused", Fault::Pause, ("token_refused", "Dynamics refused a new access token", "check that the directory is the one the environment belongs to, and that the URL is the environment's own"), &[]),
    Known::new("request_refused", Fault::Pause, ("request_refused", "Dynamics refused the kind of request", "check the version of the Web API, and what stands in between"), &[]),
    // Passing trouble.
    Known::new("0x80060882", LATER, ("changed_meanwhile", "somebody else was changing the lead", ""), &["doesn't match the RowVersion property"]),
    Known::new("0x80072322", Fault::HoldLane(None), ("throttled_requests", "too many requests in five minutes", ""), &["Number of requests exceeded the limit"]),
    Known::new("0x80072321", Fault::HoldLane(None), ("throttled_time", "requests took too much time in five minutes", ""), &["Combined execution time of incoming requests exceeded limit"]),
    Known::new("0x80072326", Fault::HoldLane(None), ("throttled_concurrency", "too many requests at a time", ""), &["Number of concurrent requests exceeded the limit"]),
    Known::new("0x80044151", LATER, ("database_slow", "the database of the environment took too long", ""), &[]),
    Known::new("0x80044150", LATER, ("database_busy", "the database of the environment was busy", ""), &[]),
    Known::new("0x80040216", LATER, ("service_failed", "Dynamics failed inside", ""), &[]),
    Known::new("http_413", Fault::SmallerBatch, ("too_large", "the batch is too large", "shorten the mapped texts"), &[]),
    Known::new("batch_stopped", Fault::SmallerBatch, ("batch_stopped", "the batch was ended at another lead", ""), &[]),
];
