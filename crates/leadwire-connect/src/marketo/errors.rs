//! What Marketo's codes mean (Adobe, rest-api/error-codes.md; codes marked as seen come from public clients).

use crate::catalogue::Known;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::Fault;
use leadwire_core::time::Timestamp;
use std::time::Duration;

/// A hundred calls may be made in so long a time.
pub(crate) const RATE_WINDOW: Duration = Duration::from_secs(20);
/// Calls end within seconds, and one of ten must.
const CROWD_HOLD: Duration = Duration::from_secs(3);
const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// Midnight of US Central Standard Time in UTC. In summer the day ends an hour earlier, if it follows the clocks: an
/// hour too long is better than a day's first call refused.
const RESET_MILLIS: i64 = 6 * 3600 * 1000;

const LATER: Fault = Fault::RetryAfter(None);
const SOMETIMES: Fault = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
const BUG: &str =
    "check the Munchkin ID; if it is right, report this with the attempt: the request was wrong";
const MAPPING_FIX: &str = "validate the destination, which reads Marketo's fields, and change the mapping of the field that is named";

/// How long until the day's calls begin anew.
pub(crate) fn until_reset(now: Timestamp) -> Duration {
    let left = DAY_MILLIS - (now.millis() - RESET_MILLIS).rem_euclid(DAY_MILLIS);
    Duration::from_millis(left.unsigned_abs())
}

const fn known(
    code: &'static str,
    fault: Fault,
    cause: &'static str,
    (message, fix): (&'static str, &'static str),
    texts: &'static [&'static str],
) -> Known {
    Known { code, fault, cause, message, fix, texts }
}

#[rustfmt::skip]
pub(crate) const ERRORS: &[Known] = &[
    // Signing in.
    known("invalid_client", Fault::Pause, "client_refused", ("Marketo refused the client id or the client secret", "copy both again from Admin, LaunchPoint, View Details of the custom service"), &["Bad client credentials"]),
    known("unauthorized", Fault::Pause, "client_refused", ("Marketo does not know the client id", "copy client id and secret again from Admin, LaunchPoint, View Details of the custom service"), &["No client with requested id"]),
    known("600", SOMETIMES, "token_missing", ("Marketo saw no access token", "check what stands between here and Marketo: it must let the Authorization header through"), &["Access token is empty", "Empty access token"]),
    known("601", SOMETIMES, "token_refused", ("Marketo refused a new access token", "check that the LaunchPoint service and its API user still exist"), &["Access token invalid", "Unauthorized"]),
    known("602", SOMETIMES, "token_expired", ("Marketo said that a new access token has expired", "if it lasts, ask Adobe: the identity service hands out tokens that have ended"), &["Access token expired"]),
    known("603", Fault::Pause, "permission_missing", ("the API user may not do this, or Marketo does not take calls from this address", "give the API user's role `Read-Write Lead`, and see whether an IP allow-list is set under Admin, Web Services"), &["Access denied"]),
    // Passing trouble; nothing was executed.
    known("502", LATER, "gateway_failed", ("Marketo's gateway had no answer", ""), &["Bad Gateway"]),
    known("604", LATER, "service_slow", ("Marketo took too long and gave up", ""), &["Request timed out", "Request time-out"]),
    known("606", Fault::HoldLane(Some(RATE_WINDOW)), "rate_limited", ("the instance had more than a hundred calls in twenty seconds, from all its integrations", ""), &["Max rate limit"]),
    known("607", Fault::HoldLane(None), "daily_limit", ("the instance's calls of this day are used up", "leads wait until midnight US Central time; see under Admin, Web Services, which integration uses them, or have Adobe raise the quota"), &["Daily quota reached"]),
    known("608", LATER, "service_unavailable", ("Marketo's API is not available right now", ""), &["API Temporarily Unavailable"]),
    known("611", LATER, "service_failed", ("Marketo failed inside", ""), &["System error"]),
    known("614", SOMETIMES, "subscription_unreachable", ("Marketo could not reach the subscription", "if it lasts, ask Adobe whether the subscription is active"), &["Invalid Subscription"]),
    known("615", Fault::HoldLane(Some(CROWD_HOLD)), "too_many_at_once", ("more than ten calls to the instance ran at once, from all its integrations", ""), &["Concurrent access limit reached"]),
    known("713", LATER, "service_failed", ("Marketo had a passing failure", ""), &["Transient Error"]),
    // Settings, schema and our own mistakes.
    known("605", Fault::Pause, "request_refused", ("Marketo does not take this kind of request here", BUG), &["HTTP Method not supported", "HTTP POST method not supported"]),
    known("609", Fault::Pause, "request_refused", ("Marketo could not read the request's JSON", BUG), &["Invalid JSON", "The request body is not valid JSON"]),
    known("610", Fault::Pause, "not_found", ("Marketo has nothing at this address", BUG), &["Requested resource not found"]),
    known("612", Fault::Pause, "request_refused", ("Marketo does not take this content type", BUG), &["Invalid Content Type"]),
    known("613", Fault::Pause, "request_refused", ("Marketo could not read the request", BUG), &["Invalid Multipart Request"]),
    known("616", Fault::Pause, "subscription_refused", ("the subscription does not include this call", "ask Adobe whether the subscription includes the REST API"), &["Invalid subscription type"]),
    known("701", Fault::Pause, "parameter_missing", ("a setting that Marketo needs is blank", "check programme, partition and lookup field in the settings"), &["cannot be blank"]),
    known("702", LATER, "nothing_found", ("Marketo found no data", ""), &["No data found"]),
    known("703", Fault::Pause, "feature_off", ("a feature is not enabled in this subscription", "take the setting away that needs it, or ask Adobe to enable it"), &["The feature is not enabled"]),
    known("704", Fault::Pause, "date_invalid", ("Marketo does not take a date", "map the field with `date`, or leave it out"), &["Invalid date format"]),
    known("709", Fault::Pause, "rule_broken", ("a rule of Marketo refused the call", "see Marketo's words in the attempt"), &["Business Rule Violation"]),
    // The record.
    known("1001", Fault::Park, "field_invalid", ("a value has the wrong type for its field", MAPPING_FIX), &["Required of type"]),
    known("1002", Fault::Park, "field_missing", ("a value that Marketo requires is missing", "give the field that is named a default in the mapping"), &["Missing value for the required parameter", "Missing value for required parameter"]),
    known("1003", Fault::Park, "refused", ("Marketo refused the data", "see Marketo's words in the attempt, mend the value or the mapping, then retry the lead"), &["Invalid data", "Form validation failed", "Too many results match the filter"]),
    known("1004", LATER, "record_gone", ("the person was deleted in Marketo just now, and is made anew", ""), &["Lead not found"]),
    known("1005", LATER, "already_there", ("the person is there already", ""), &["Lead already exists"]),
    known("1006", Fault::Pause, "field_unknown", ("a mapped field does not exist in Marketo", "make the field under Admin, Field Management, or take its row out of the mapping; names are REST API names, such as firstName"), &["not found"]),
    known("1007", Fault::Park, "several_match", ("several people in Marketo have the same key", "merge them in Marketo (Database, Possible Duplicates), then retry the lead"), &["Multiple leads match", "Multiple lead match lookup criteria"]),
    known("1008", Fault::Pause, "partition_refused", ("the API user may not use the partition", "give the API user's role access to the workspace of the partition, or change `partition_name`"), &["Access denied to partition"]),
    known("1009", Fault::Pause, "partition_missing", ("Marketo needs the name of a partition", "set `partition_name` to a partition of the instance"), &["Partition name must be specified"]),
    known("1010", Fault::Park, "partition_other", ("the person lives in another partition", "move the person in Marketo, or change `partition_name`, then retry the lead"), &["Partition update not allowed"]),
    known("1011", Fault::Pause, "lookup_field_refused", ("people cannot be looked up by this field", "choose `email`, or a custom field that describe2 lists as searchable: a string, e-mail or integer field"), &["not supported"]),
    known("1012", Fault::Park, "cookie_invalid", ("Marketo does not take the cookie", "retry the lead without a cookie"), &["Invalid cookie value"]),
    known("1013", Fault::Pause, "object_missing", ("the programme, form or other object of the settings does not exist", "check the names and ids in the settings"), &["Object not found"]),
    known("1014", Fault::Pause, "object_refused", ("Marketo could not make an object", "see Marketo's words in the attempt"), &["Failed to create Object"]),
    known("1017", Fault::Pause, "object_refused", ("an object is there already", "see Marketo's words in the attempt"), &["Object already exists"]),
    known("1018", Fault::Pause, "crm_forbids", ("the CRM that is connected to Marketo forbids this", "have the Marketo administrator look at the CRM integration, or deliver to the CRM itself"), &["CRM Enabled"]),
    known("1021", Fault::Pause, "company_locked", ("company fields of people that are there cannot be changed so", "take `always` off the rows of company fields in the mapping"), &["Company update not allowed"]),
    known("1025", Fault::Pause, "status_unknown", ("the programme has no such status", "set `program_status` to a status of the programme's channel"), &["Program status not found"]),
    known("1036", Fault::SmallerBatch, "key_repeated", ("the same person was in one call twice", ""), &["Duplicate object found in input"]),
    known("1037", LATER, "already_member", ("the person has this programme status, or a later one, already", ""), &["Lead was skipped"]),
    known("1049", Fault::Park, "activity_too_large", ("the activity is too large for Marketo", "shorten the values of the lead, then retry it"), &["Failed to Create Activity"]),
];
