//! What Entra ID's codes mean: learn.microsoft.com, `identity-platform/reference-error-codes`, and recorded answers.
//!
//! The texts are those a marketplace's own lead writer prints, as its support pages list them.

use crate::catalogue::Known;
use leadwire_core::outcome::Fault;

const LATER: Fault = Fault::RetryAfter(None);
const TENANT_FIX: &str = "enter the Directory (tenant) ID from the overview page of the app registration";
const ROLL_FIX: &str = "upload the certificate to the app registration, under Certificates & secrets";

/// Codes of signing in.
#[rustfmt::skip]
pub(crate) const ERRORS: &[Known] = &[
    Known::new("AADSTS7000215", Fault::Pause, ("secret_wrong", "the client secret is wrong", "paste the value of the secret, not its ID; when it is lost, make a new secret"), &["Invalid client secret is provided", "Invalid client secret provided"]),
    Known::new("AADSTS7000222", Fault::Pause, ("secret_expired", "the client secret has expired", "make a new client secret in the app registration, and enter it here"), &["client secret keys for app are expired"]),
    Known::new("AADSTS7000218", Fault::Pause, ("proof_missing", "neither a secret nor an assertion was sent", "enter the client secret or the certificate"), &[]),
    Known::new("AADSTS7000229", Fault::Pause, ("app_not_installed", "the app has no service principal in this directory", "add the app as an application user in the environment, or register it in this directory"), &[]),
    Known::new("AADSTS700016", Fault::Pause, ("app_unknown", "the app is not known in this directory", "enter the Application (client) ID from the app registration, and the directory it is registered in"), &["Application with identifier was not found in the directory", "was not found in the directory"]),
    Known::new("AADSTS7000112", Fault::Pause, ("app_disabled", "the app is disabled", "enable sign-in for the app, under Enterprise applications, Properties"), &[]),
    Known::new("AADSTS700027", Fault::Pause, ("certificate_unknown", "the certificate is not the one of the app", ROLL_FIX), &[]),
    Known::new("AADSTS700024", Fault::RetryThenPause { attempts: 2 }, ("assertion_expired", "Entra ID finds the signed assertion outside its time", "set the clock of the machine Leadwire runs on"), &[]),
    Known::new("AADSTS700021", Fault::Pause, ("assertion_refused", "the assertion is not of this app", "enter the Application (client) ID again"), &[]),
    Known::new("AADSTS700023", Fault::Pause, ("assertion_refused", "the assertion is not for this directory", "enter the directory's ID instead of a domain, and check the authority"), &[]),
    Known::new("AADSTS50012", Fault::Pause, ("assertion_refused", "Entra ID refused the signature of the assertion", ROLL_FIX), &[]),
    Known::new("AADSTS50013", Fault::Pause, ("assertion_refused", "Entra ID refused the assertion", ROLL_FIX), &[]),
    Known::new("AADSTS50003", Fault::Pause, ("certificate_unknown", "the app has no certificate", ROLL_FIX), &[]),
    Known::new("AADSTS90002", Fault::Pause, ("tenant_unknown", "the directory does not exist", TENANT_FIX), &["Tenant not found"]),
    Known::new("AADSTS900023", Fault::Pause, ("tenant_invalid", "what was entered is not the id or domain of a directory", TENANT_FIX), &["Requested tenant identifier is not valid and not valid external domain format", "is neither a valid DNS name, nor a valid external domain"]),
    Known::new("AADSTS500011", Fault::Pause, ("resource_unknown", "the directory does not know the address that leads are sent to", "check the address; and that the app is registered in the directory the service belongs to"), &[]),
    Known::new("AADSTS50001", Fault::Pause, ("resource_unknown", "the address that leads are sent to is disabled or not known", "check the address"), &[]),
    Known::new("AADSTS70011", Fault::Pause, ("scope_invalid", "the scope is not one", "check the address: it is the scope's first part"), &[]),
    Known::new("AADSTS1002012", Fault::Pause, ("scope_invalid", "the scope is not one for an app", "check the address: it is the scope's first part"), &[]),
    Known::new("AADSTS501051", Fault::Pause, ("app_not_assigned", "the app is not assigned to what it wants to reach", "assign the app there, or switch off `Assignment required`"), &[]),
    Known::new("AADSTS530032", Fault::Pause, ("policy_blocks", "a security policy of the directory blocks the app", "have an administrator except the app from the policy"), &[]),
    Known::new("AADSTS53003", Fault::Pause, ("policy_blocks", "a conditional access policy blocks the app", "have an administrator except the app, or this machine's address, from the policy"), &[]),
    Known::new("AADSTS90033", LATER, ("service_unavailable", "Entra ID is not available for now", ""), &[]),
    Known::new("AADSTS90006", LATER, ("service_unavailable", "Entra ID failed for now", ""), &[]),
    Known::new("AADSTS90024", LATER, ("service_unavailable", "Entra ID is short of something for now", ""), &[]),
    Known::new("AADSTS90012", LATER, ("service_unavailable", "Entra ID took too long", ""), &[]),
    Known::new("AADSTS50000", LATER, ("service_unavailable", "Entra ID could not issue a token", ""), &[]),
    Known::new("AADSTS90055", Fault::HoldLane(None), ("tenant_throttled", "the directory has had too many requests", ""), &[]),
    // Without a number that is known.
    Known::new("temporarily_unavailable", LATER, ("service_unavailable", "Entra ID is not available for now", ""), &[]),
    Known::new("server_error", LATER, ("service_unavailable", "Entra ID failed for now", ""), &[]),
    Known::new("invalid_client", Fault::Pause, ("client_refused", "Entra ID refused the secret or certificate", "enter the client secret again, or upload the certificate to the app registration"), &["Error validating credentials", "Unable to sign in to Dynamics CRM"]),
    Known::new("unauthorized_client", Fault::Pause, ("app_unknown", "Entra ID does not know the app, or does not let it sign in so", "check the Application (client) ID and the directory"), &[]),
    Known::new("invalid_resource", Fault::Pause, ("resource_unknown", "Entra ID does not know the address that leads are sent to", "check the address"), &[]),
    Known::new("invalid_scope", Fault::Pause, ("scope_invalid", "Entra ID refused the scope", "check the address: it is the scope's first part"), &[]),
    Known::new("invalid_request", Fault::Pause, ("request_refused", "Entra ID could not read the request for a token", "check the directory and the authority"), &[]),
    Known::new("invalid_grant", Fault::Pause, ("sign_in_refused", "Entra ID refused to sign the app in", "look the code up at https://login.microsoftonline.com/error"), &[]),
    Known::new("interaction_required", Fault::Pause, ("policy_blocks", "a policy of the directory asks for a person to sign in", "have an administrator except the app from the policy"), &[]),
];

/// A connector's own entries, and those of signing in behind them; `N` is the number of both.
pub(crate) const fn with_own<const N: usize>(own: &[Known]) -> [Known; N] {
    assert!(own.len() + ERRORS.len() == N, "N is the number of both");
    let mut all = [ERRORS[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < own.len() { own[at] } else { ERRORS[at - own.len()] };
        at += 1;
    }
    all
}
