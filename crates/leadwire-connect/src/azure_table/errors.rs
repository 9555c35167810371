//! What the codes of Azure Table storage and of Cosmos DB's Table API mean, as data.
//!
//! Source: learn.microsoft.com, "Table service error codes" and "Common REST API error codes" (2026-11); contract 2.10.
//! The texts are the messages of those pages and of recorded answers.

use crate::catalogue::Known;
use crate::entra;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::Fault;
use std::time::Duration;

/// A deleted table keeps its name for at least 40 seconds (learn.microsoft.com, "Delete Table").
const TABLE_GONE_WAIT: Duration = Duration::from_secs(40);
const LATER: Fault = Fault::RetryAfter(None);
const SOMETIMES: Fault = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
const MAPPING_FIX: &str = "see the service's words in the attempt, and change the mapping of that column";
const ROLE_FIX: &str = "give the app the role Storage Table Data Contributor on the account or the table; it takes up to \
                        half an hour to count";

/// Codes found in `x-ms-error-code`, in `odata.error.code` or in `<Code>`.
#[rustfmt::skip]
const OWN: &[Known] = &[
    // The row.
    Known::new("EntityTooLarge", Fault::Park, ("too_large", "the row is larger than 1 MiB", "take long columns out of the mapping, or shorten them with `truncate`"), &["The entity is larger than the maximum allowed size"]),
    Known::new("PropertyValueTooLarge", Fault::Park, ("field_too_long", "a value is longer than 64 KiB", "shorten the value with `truncate` in the mapping"), &["The property value exceeds the maximum allowed size"]),
    Known::new("KeyValueTooLarge", Fault::Park, ("key_too_long", "a key of the row is longer than the service takes", "tell the makers of Leadwire: keys are its own"), &["property specified as a key exceeds", "the key value exceeds"]),
    Known::new("TooManyProperties", Fault::Park, ("too_many_columns", "the row has more columns than the service takes", "take rows out of the mapping: 252 columns fit"), &["The entity contains more properties than allowed"]),
    Known::new("PropertyNameInvalid", Fault::Park, ("column_name_invalid", "a column's name is not one the service takes", "rename the column in the mapping: letters, digits and `_` only"), &["The property name is invalid"]),
    Known::new("PropertyNameTooLong", Fault::Park, ("column_name_invalid", "a column's name is longer than the service takes", "shorten the column's name in the mapping: 255 characters at most"), &["The property name exceeds the maximum allowed length"]),
    Known::new("InvalidValueType", Fault::Park, ("field_invalid", "a value has a type its column does not take", MAPPING_FIX), &["The value specified is invalid"]),
    Known::new("PropertiesNeedValue", Fault::Park, ("field_missing", "a column that must have a value has none", MAPPING_FIX), &["values are not specified for all properties in the entity"]),
    Known::new("DuplicatePropertiesSpecified", Fault::Park, ("column_twice", "a column is in the row twice", "keep one row of the mapping for each column"), &["A property is specified more than one time"]),
    Known::new("OutOfRangeInput", Fault::Park, ("field_invalid", "a value is outside of what the service takes", MAPPING_FIX), &["One of the request inputs is out of range", "is out of range"]),
    Known::new("InvalidInput", Fault::Park, ("field_invalid", "the service could not read the row", MAPPING_FIX), &["One of the request inputs is not valid", "An error occurred while processing this request", "Bad Request - Error in query syntax"]),
    Known::new("InvalidDuplicateRow", Fault::SmallerBatch, ("repeated_in_batch", "two rows of the batch have the same key", ""), &["The batch request contains multiple changes with same row key"]),
    Known::new("CommandsInBatchActOnDifferentPartitions", Fault::SmallerBatch, ("batch_refused", "the rows of the batch are not of one partition", ""), &["All commands in a batch must operate on same entity group"]),
    Known::new("RequestBodyTooLarge", Fault::SmallerBatch, ("too_large", "the request is larger than the service takes", "shorten the mapped texts"), &["The request body is too large and exceeds the maximum permissible limit", "The size of the request body exceeds the maximum size permitted"]),
    Known::new("ContentLengthExceeded", Fault::SmallerBatch, ("too_large", "the batch is larger than 4 MiB", "shorten the mapped texts"), &["The content length for the requested operation has exceeded the limit"]),
    Known::new("UpdateConditionNotSatisfied", LATER, ("changed_meanwhile", "somebody else changed the row at the same time", ""), &["The update condition specified in the request was not satisfied"]),
    Known::new("ConditionNotMet", LATER, ("changed_meanwhile", "somebody else changed the row at the same time", ""), &["The condition specified using HTTP conditional header(s) is not met"]),
    Known::new("ResourceNotFound", LATER, ("record_gone", "the row was deleted there just now; it is made anew", ""), &["The specified resource does not exist"]),
    Known::new("EntityNotFound", LATER, ("record_gone", "the row was deleted there just now; it is made anew", ""), &["The specified entity does not exist"]),
    // The table.
    Known::new("TableNotFound", Fault::Pause, ("table_missing", "the table does not exist", "make the table, or let Leadwire create it (`create_table`)"), &["The table specified does not exist"]),
    Known::new("TableBeingDeleted", Fault::HoldLane(Some(TABLE_GONE_WAIT)), ("table_being_deleted", "the table is being deleted; its name is free in a minute", ""), &["The specified table is being deleted"]),
    Known::new("TableAlreadyExists", LATER, ("table_exists", "the table is there already", ""), &["The table specified already exists"]),
    // Signing in and permissions.
    Known::new("AuthenticationFailed", Fault::Pause, ("sign_in_refused", "the service refused the signature", "enter the connection string again: the key may have been renewed, or the SAS has ended; and check the clock of the machine Leadwire runs on, which may be 15 minutes off at most"), &["Server failed to authenticate the request", "The MAC signature found in the HTTP request", "Signature not valid in the specified time frame", "Signature did not match", "Issuer validation failed"]),
    Known::new("NoAuthenticationInformation", Fault::Pause, ("sign_in_refused", "the service found nothing that signs the request in", "enter the connection string again"), &["Server failed to authenticate the request. Please refer to the information in the www-authenticate header"]),
    Known::new("InvalidAuthenticationInfo", Fault::Pause, ("token_refused", "the service refused the access token", "check the tenant and that the app is of the account's directory"), &["Authentication information is not given in the correct format"]),
    Known::new("AuthorizationFailure", Fault::Pause, ("access_refused", "the account's firewall, or a rule, does not let this machine in", "in the account's networking settings, allow the address Leadwire calls from; and see that the account permits keys and signatures"), &["This request is not authorized to perform this operation"]),
    Known::new("AuthorizationPermissionMismatch", Fault::Pause, ("access_missing", "what signs in may not write to the table", ROLE_FIX), &["This request is not authorized to perform this operation using this permission"]),
    Known::new("AuthorizationResourceTypeMismatch", Fault::Pause, ("access_missing", "the SAS does not reach this kind of thing", "make a SAS with the resource types Container and Object, or make the table by hand"), &["This request is not authorized to perform this operation using this resource type"]),
    Known::new("AuthorizationServiceMismatch", Fault::Pause, ("access_missing", "the SAS is for another service of the account", "make a SAS for Table"), &["This request is not authorized to perform this operation using this service"]),
    Known::new("AuthorizationProtocolMismatch", Fault::Pause, ("access_missing", "the SAS permits https only", "use an https address"), &["This request is not authorized to perform this operation using this protocol"]),
    Known::new("AuthorizationSourceIPMismatch", Fault::Pause, ("access_refused", "the SAS permits other addresses than that of this machine", "make a SAS for the address Leadwire calls from, or for any"), &["This request is not authorized to perform this operation using this source IP"]),
    Known::new("InsufficientAccountPermissions", Fault::Pause, ("access_missing", "the account may not do this", ROLE_FIX), &["The account being accessed does not have sufficient permissions to execute this operation"]),
    Known::new("KeyBasedAuthenticationNotPermitted", Fault::Pause, ("keys_off", "the account does not permit keys", "allow storage account key access in the account's configuration, or sign in with Entra ID"), &["Key based authentication is not permitted on this storage account"]),
    Known::new("AccountIsDisabled", Fault::Pause, ("account_disabled", "the storage account is disabled", "enable the account; its subscription may have ended"), &["The specified account is disabled"]),
    Known::new("AccountBeingCreated", LATER, ("account_new", "the storage account is being created", ""), &["The specified account is in the process of being created"]),
    Known::new("Forbidden", Fault::Pause, ("access_refused", "the service does not let this request in", "check the key, the account's firewall and the roles"), &["Request blocked by your Cosmos DB account firewall settings", "The input authorization token can't serve the request"]),
    Known::new("Unauthorized", Fault::Pause, ("sign_in_refused", "the service refused the key", "enter the connection string again: the key may have been renewed"), &["The input authorization token is not valid"]),
    // How the request was made.
    Known::new("ResourceTypeMismatch", Fault::Pause, ("request_refused", "the service does not know this kind of request", "check the address: it must be that of tables"), &["The specified resource type is not supported"]),
    Known::new("InvalidHeaderValue", Fault::Pause, ("request_refused", "the service does not take a header", "tell the makers of Leadwire; an emulator may need to be told to skip its check of versions"), &["The value for one of the HTTP headers is not in the correct format", "The API version"]),
    Known::new("InvalidUri", Fault::Pause, ("request_refused", "the service does not take the address", "check the endpoint in the connection string"), &["The requested URI does not represent any resource on the server"]),
    Known::new("InvalidResourceName", Fault::Pause, ("table_name_invalid", "the table's name is not one the service takes", "use 3 to 63 letters and digits"), &["The specifed resource name contains invalid characters", "The specified resource name contains invalid characters"]),
    Known::new("MethodNotAllowed", Fault::Pause, ("request_refused", "the service does not take this kind of request", "check the endpoint in the connection string, and the setting `service`"), &["The requested method is not allowed on the specified resource"]),
    Known::new("UnsupportedHttpVerb", Fault::Pause, ("request_refused", "the service does not take this kind of request", "check the endpoint in the connection string, and the setting `service`"), &["The resource doesn't support the specified HTTP verb"]),
    Known::new("XMethodNotUsingPost", Fault::Pause, ("request_refused", "the service does not take this kind of request", "check the setting `service`"), &["The request uses X-HTTP-Method with an HTTP verb other than POST"]),
    Known::new("JsonFormatNotSupported", Fault::Pause, ("request_refused", "the service does not speak JSON", "check the endpoint in the connection string"), &["JSON format is not supported"]),
    Known::new("AtomFormatNotSupported", Fault::Pause, ("request_refused", "the service does not take the format", "check the endpoint in the connection string"), &["Atom format is not supported"]),
    Known::new("NotImplemented", Fault::Pause, ("request_refused", "the service cannot do this", "see whether the account is of a kind that has tables"), &["The requested operation is not implemented on the specified resource", "The requested operation isn't implemented on the specified resource"]),
    // Passing trouble.
    Known::new("ServerBusy", Fault::HoldLane(None), ("rate_limited", "the service has too much to do, or the account reached its limit", ""), &["The server is currently unable to receive requests", "Operations per second is over the account limit", "Egress is over the account limit", "Ingress is over the account limit"]),
    Known::new("TooManyRequests", Fault::HoldLane(None), ("rate_limited", "the request units of the Cosmos DB account are used up", "if it lasts, give the table more request units, or autoscale"), &["Request rate is large", "The request rate is too large"]),
    Known::new("AccountIOPSLimitExceeded", Fault::HoldLane(None), ("rate_limited", "the account reached its limit of requests", ""), &["Account IOPS limit exceeded"]),
    Known::new("InternalError", LATER, ("service_failed", "the service failed inside, so the lead may or may not have been written", ""), &["The server encountered an internal error. Please retry the request"]),
    Known::new("OperationTimedOut", LATER, ("service_slow", "the service took too long, so the lead may or may not have been written", ""), &["The operation could not be completed within the permitted time", "Operation could not be completed within the specified time"]),
    Known::new("HostInformationNotPresent", SOMETIMES, ("request_refused", "the service did not find the account in the address", "check the endpoint in the connection string"), &["The required host information is not present in the request"]),
];

const COUNT: usize = OWN.len() + entra::ERRORS.len();
const ALL: [Known; COUNT] = entra::with_own(OWN);

/// The codes of the service, and those of signing in at Entra ID.
pub(super) const ERRORS: &[Known] = &ALL;
