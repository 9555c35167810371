//! What can be seen of a refusal by Web-to-Lead, and what Salesforce mails to its administrator later.

use crate::catalogue::Known;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::Fault;

#[rustfmt::skip]
pub(super) const ERRORS: &[Known] = &[
    Known::new("Exception", Fault::Pause, ("web_to_lead_refused", "Salesforce says that the lead cannot be processed: the organization identifier is wrong, Web-to-Lead is off, or a required value is missing", "compare the organization identifier with the `oid` in the HTML that Setup, Web-to-Lead generates, and enable Web-to-Lead"), &["common.exception.SalesforceGenericException"]),
    Known::new("Is-Processed: false", Fault::Park, ("not_processed", "Salesforce says that the lead was not processed, and not why", "look for the lead in Salesforce; when it is not there, retry it"), &[]),
    Known::new("redirect", Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }, ("endpoint_redirects", "the address leads elsewhere", "choose production or sandbox, or enter the address of the org"), &[]),
    Known::new("refused", Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }, ("form_refused", "the address does not take the form", "choose production or sandbox, or enter the address of the org"), &[]),
    Known::new("too_large", Fault::Park, ("too_large", "the lead is too large for the form", "shorten the mapped texts"), &[]),
    Known::new("too_many", Fault::HoldLane(None), ("too_many", "Salesforce asks to be sent less", ""), &[]),
    // Seen by the administrator only.
    Known::new("DUPLICATES_DETECTED", Fault::Park, ("duplicate_found", "a duplicate rule refused the lead after it was accepted; the default lead creator gets a mail", "let the rule allow leads from the web"), &["You're creating a duplicate record"]),
    Known::new("picklist", Fault::Park, ("value_not_in_list", "a required or restricted picklist refused the lead after it was accepted", "make the picklist an optional text field, as Microsoft advises, or map the value"), &[]),
    Known::new("reCAPTCHA", Fault::Pause, ("captcha_required", "the org requires reCAPTCHA, so leads are accepted and dropped in silence", "in Setup, Web-to-Lead, clear `Require reCAPTCHA Verification`, and generate the form without it"), &["Include reCAPTCHA in HTML"]),
];
